// How much of what a pod requests a ResourceQuota lacks: what a pod requests is in the API server's message, what the
// quota has is in the object. Pure.
// (https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/apiserver/pkg/admission/plugin/resourcequota/controller.go)
import { formatQuantity, parseQuantity } from "../kubernetes/quantity.ts";

/** One resource of a quota that has no room for pods, as quantities. */
export interface QuotaShortage {
  /** "limits.memory" */
  readonly resource: string;
  /** Of one pod. */
  readonly requested: string;
  /** What the quota permits now, as the object has it. */
  readonly limit: string;
  /** How much more the quota has to permit. */
  readonly missing: string;
  /** What the quota then permits. */
  readonly needed: string;
}

/** A ResourceQuota that has no room for a workload's pods, as quantities by resource. */
export interface BlockingQuota {
  readonly name: string;
  /** Of one pod, as the API server says. */
  readonly requested: ReadonlyMap<string, string>;
  /** What the object permits. */
  readonly hard: ReadonlyMap<string, string>;
  /** What it counts now. */
  readonly used: ReadonlyMap<string, string>;
}

/** Returns what the quota lacks now for as many pods as are to be created. */
export function quotaShortages({ requested, used, hard }: BlockingQuota, pods = 1): readonly QuotaShortage[] {
  return [...requested].flatMap(([resource, asked]): QuotaShortage[] => {
    const [wanted, taken, limit] = [asked, used.get(resource), hard.get(resource)].map(parseQuantity);
    if (wanted === undefined || taken === undefined || limit === undefined) return [];
    const needed = taken + wanted * BigInt(pods);
    const kind = quantityKind(resource);
    if (needed <= limit) return [];
    return [
      {
        resource,
        requested: asked,
        limit: hard.get(resource) ?? "",
        missing: formatQuantity(needed - limit, kind),
        needed: formatQuantity(needed, kind),
      },
    ];
  });
}

/** Counts, such as that of "pods", are written as cores are. */
function quantityKind(resource: string): "cpu" | "memory" {
  return /(?:memory|storage)$/.test(resource) ? "memory" : "cpu";
}

/** "limits.memory=96Mi,pods=1" */
const AMOUNTS = String.raw`[\w./-]+=[\w.]+(?:,[\w./-]+=[\w.]+)*`;
/** The end of the API server's message. */
const QUOTA_REFUSAL = new RegExp(
  `: exceeded quota: [^ ]+, requested: (${AMOUNTS}), used: ${AMOUNTS}, limited: ${AMOUNTS}$`,
);

/** Returns what one pod requests, by a message that readCreationFailure() takes for a quota's; empty if unknown. */
export function requestedAmounts(message: string): ReadonlyMap<string, string> {
  const [, list = ""] = QUOTA_REFUSAL.exec(message) ?? [];
  return new Map(list === "" ? [] : list.split(",").map((pair) => pair.split("=") as [string, string]));
}
