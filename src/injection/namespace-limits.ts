// The LimitRanges and ResourceQuotas of a namespace, as far as they limit CPU and memory of pods. Pure: the webhook's
// watches and the command line read the objects.
// (https://kubernetes.io/docs/concepts/policy/limit-range/,
// https://kubernetes.io/docs/concepts/policy/resource-quotas/)
import { isObject, objectsAt } from "../runtime/json-object.ts";
import { type QuotaScope, scopesOf } from "./quota-scopes.ts";

/** Quantities by resource, as Kubernetes writes them. */
export type Quantities = Readonly<Record<string, string>>;

/** One rule of a LimitRange. */
export interface SizeRange {
  /** The LimitRange's. */
  readonly name: string;
  readonly type: "Container" | "Pod";
  readonly min: Quantities;
  readonly max: Quantities;
  /** The API server adds these limits to containers without one, after podrole. */
  readonly default: Quantities;
  /** The API server adds these requests to containers with neither the request nor a limit. */
  readonly defaultRequest: Quantities;
  readonly maxLimitRequestRatio: Quantities;
}

/** A ResourceQuota: what it allows, and what the namespace uses. */
export interface SizeQuota {
  readonly name: string;
  readonly hard: Quantities;
  readonly used: Quantities;
  /** It counts only pods that match all of these. */
  readonly scopes: readonly QuotaScope[];
}

/** What limits the pods of one namespace. */
export interface NamespaceLimits {
  readonly ranges: readonly SizeRange[];
  readonly quotas: readonly SizeQuota[];
}

/** A namespace that limits nothing. */
export const NO_LIMITS: NamespaceLimits = { ranges: [], quotas: [] };

/** An object as the API returns it. */
interface LimitObject {
  readonly metadata: { readonly name?: string };
  readonly spec?: unknown;
  readonly status?: unknown;
}

/** Returns the rules of a LimitRange that apply to pods or containers. */
export function rangesOf({ metadata: { name = "" }, spec }: LimitObject): readonly SizeRange[] {
  return objectsAt(spec, "limits").flatMap((limit): SizeRange[] => {
    const { type } = limit;
    if (type !== "Container" && type !== "Pod") return [];
    const [min, max, preset, presetRequest, maxLimitRequestRatio] = RANGE_FIELDS.map((key) =>
      quantitiesIn(limit[key]),
    ) as [Quantities, Quantities, Quantities, Quantities, Quantities];
    return [{ name, type, min, max, default: preset, defaultRequest: presetRequest, maxLimitRequestRatio }];
  });
}

const RANGE_FIELDS = ["min", "max", "default", "defaultRequest", "maxLimitRequestRatio"] as const;

/** Returns what a ResourceQuota allows of CPU and memory; undefined if it counts neither. */
export function quotaOf({ metadata: { name = "" }, spec, status }: LimitObject): SizeQuota | undefined {
  const hard = quantitiesIn(isObject(spec) ? spec["hard"] : undefined);
  if (Object.keys(hard).length === 0) return undefined;
  const used = quantitiesIn(isObject(status) ? status["used"] : undefined);
  return { name, hard, used, scopes: scopesOf(spec) };
}

/** Returns the rules of the objects, which are those of one namespace. */
export function namespaceLimits(
  limitRanges: readonly LimitObject[],
  resourceQuotas: readonly LimitObject[],
): NamespaceLimits {
  return {
    ranges: limitRanges.flatMap(rangesOf),
    quotas: resourceQuotas.map(quotaOf).filter((quota) => quota !== undefined),
  };
}

const COUNTED_NAMES: ReadonlySet<string> = new Set([
  "cpu",
  "memory",
  "requests.cpu",
  "requests.memory",
  "limits.cpu",
  "limits.memory",
]);

/** Kubernetes writes quantities as strings; hand-written YAML contains numbers too. */
function quantitiesIn(value: unknown): Quantities {
  const entries = isObject(value) ? Object.entries(value) : [];
  const isQuantity = (amount: unknown) => typeof amount === "string" || typeof amount === "number";
  return Object.fromEntries(
    entries
      .filter(([name, amount]) => COUNTED_NAMES.has(name) && isQuantity(amount))
      .map(([name, amount]) => [name, String(amount)]),
  );
}
