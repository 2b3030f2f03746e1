// The LimitRanges and ResourceQuotas of the cluster, by namespace. They only size podrole's containers: until the first
// lists are complete, and without the permission to list, no namespace counts as limited.
// States: listing and watching as reflector.ts has them → stopped (stop()).
import { type NamespaceLimits, namespaceLimits, quotaOf, rangesOf } from "../injection/namespace-limits.ts";
import type { Kubernetes, ListWatch } from "../kubernetes/api.ts";
import type { LimitRange, ResourceQuota } from "../kubernetes/objects.ts";
import { startReflector } from "../kubernetes/reflector.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";

/** What limits the pods of each namespace, cached and live. */
export interface LimitsWatch {
  /** Returns what the watches have reported. */
  cached(namespace: string): NamespaceLimits;
  /** Returns what the API server has now. Rejects with ApiError. */
  read(namespace: string): Promise<NamespaceLimits>;
  /** Milliseconds since the API server last confirmed each cache. */
  ages(): Readonly<Record<"limitranges" | "resourcequotas", number>>;
  stop(): void;
}

/** More than any namespace has. */
const MAX_LIMIT_OBJECTS = 500;

/** Starts the watches, which end with stop(). Does not wait for the first lists. */
export function startLimitsWatch(
  deps: { readonly clock: Clock; readonly log: Log },
  kubernetes: Pick<Kubernetes, "source">,
): LimitsWatch {
  const ranges = startReflector(
    { ...deps, source: kubernetes.source<LimitRange>("limitranges") },
    { project: rangesOf },
  );
  const quotas = startReflector(
    { ...deps, source: kubernetes.source<ResourceQuota>("resourcequotas") },
    { project: quotaOf },
  );
  return {
    cached: (namespace) => ({
      ranges: ranges.listIn(namespace).flat(),
      quotas: quotas.listIn(namespace).filter((quota) => quota !== undefined),
    }),
    async read(namespace) {
      const [readRanges, readQuotas] = await Promise.all([
        readFirstPage(kubernetes.source<LimitRange>("limitranges", { namespace })),
        readFirstPage(kubernetes.source<ResourceQuota>("resourcequotas", { namespace })),
      ]);
      return namespaceLimits(readRanges, readQuotas);
    },
    ages: () => ({ limitranges: ranges.ageMs(), resourcequotas: quotas.ageMs() }),
    stop() {
      ranges.stop();
      quotas.stop();
    },
  };
}

async function readFirstPage<Item>(source: ListWatch<Item>): Promise<readonly Item[]> {
  const { items } = await source.list({ limit: MAX_LIMIT_OBJECTS, signal: new AbortController().signal });
  return items;
}
