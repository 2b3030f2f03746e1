// How much of what a pod requests a ResourceQuota lacks, from the API server's message. Pure.
// (https://github.com/kubernetes/kubernetes/blob/master/staging/src/k8s.io/apiserver/pkg/admission/plugin/resourcequota/controller.go)
import { formatQuantity, parseQuantity } from "../kubernetes/quantity.ts";

/** One resource of a quota that has no room for pods, as quantities. */
export interface QuotaShortage {
  /** "limits.memory" */
  readonly resource: string;
  /** Of one pod. */
  readonly requested: string;
  /** How much more the quota has to permit. */
  readonly missing: string;
  /** What the quota then permits. */
  readonly needed: string;
}

/**
 * Returns the shortages in "requested: limits.memory=96Mi, used: limits.memory=1Gi, limited: limits.memory=1Gi", for as
 * many pods as are to be created.
 */
export function quotaShortages(message: string, pods = 1): readonly QuotaShortage[] {
  const [requested, used, limited] = ["requested", "used", "limited"].map((field) => amountsOf(message, field));
  return [...(requested ?? [])].flatMap(([resource, asked]): QuotaShortage[] => {
    const [wanted, taken, limit] = [asked, used?.get(resource), limited?.get(resource)].map(parseQuantity);
    if (wanted === undefined || taken === undefined || limit === undefined) return [];
    const needed = taken + wanted * BigInt(pods);
    const kind = quantityKind(resource);
    if (needed <= limit) return [];
    return [
      {
        resource,
        requested: asked,
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

function amountsOf(message: string, field: string): ReadonlyMap<string, string> {
  const [, list = ""] = new RegExp(String.raw`\b${field}: ([\w./-]+=[\w.]+(?:,[\w./-]+=[\w.]+)*)`).exec(message) ?? [];
  return new Map(list.split(",").map((pair) => pair.split("=") as [string, string]));
}
