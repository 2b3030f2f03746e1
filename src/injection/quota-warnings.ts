// Warns about a ResourceQuota that leaves room for the pod, but not for podrole's container beside it. The API server
// then refuses the pod, and names the quota alone.
import type { Pod } from "../kubernetes/objects.ts";
import { formatQuantity, parseQuantity } from "../kubernetes/quantity.ts";
import type { PodSizes } from "./fit-sizes.ts";
import { amountOfOthers } from "./pod-amounts.ts";
import { type Warning, warningOf } from "./warnings.ts";

/** What a quota counts, by its key: "cpu" is the same as "requests.cpu". */
const QUOTA_KEYS = [
  ["cpu", "requests", "cpu"],
  ["memory", "requests", "memory"],
  ["requests.cpu", "requests", "cpu"],
  ["requests.memory", "requests", "memory"],
  ["limits.cpu", "limits", "cpu"],
  ["limits.memory", "limits", "memory"],
] as const;

/** Returns a warning for each amount that is too small for podrole's container. */
export function quotaWarnings(
  pod: Pod,
  { fitted: { sidecar }, quotas }: Pick<PodSizes, "fitted" | "quotas">,
): readonly Warning[] {
  return quotas.flatMap(({ name, hard, used }) =>
    QUOTA_KEYS.flatMap(([key, kind, resource]) => {
      const [most, taken] = [hard, used].map((amounts) => parseQuantity(amounts[key]));
      const own = parseQuantity(sidecar?.[kind]?.[resource]);
      if (most === undefined || own === undefined) return [];
      const left = most - (taken ?? 0n) - amountOfOthers(pod, kind, resource);
      if (left < 0n || left >= own) return [];
      return [warningOf("QUOTA_TIGHT", name, key, formatQuantity(own, resource), formatQuantity(left, resource))];
    }),
  );
}
