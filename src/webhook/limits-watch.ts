// The LimitRanges and ResourceQuotas of the cluster, by namespace. They only size podrole's containers: until the first
// lists are complete, and without the permission to list, no namespace counts as limited.
// States: listing and watching as reflector.ts has them → stopped (stop()).
import {
  type NamespaceLimits,
  namespaceLimits,
  quotaOf,
  rangesOf,
  type SizeQuota,
  type SizeRange,
} from "../injection/namespace-limits.ts";
import type { Kubernetes, ListWatch } from "../kubernetes/api.ts";
import type { LimitRange, ObjectMeta, ResourceQuota } from "../kubernetes/objects.ts";
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
    { project: inNamespace<LimitRange, readonly SizeRange[]>(rangesOf) },
  );
  const quotas = startReflector(
    { ...deps, source: kubernetes.source<ResourceQuota>("resourcequotas") },
    { project: inNamespace<ResourceQuota, SizeQuota | undefined>(quotaOf) },
  );
  const of = <Part>(list: readonly PlacedLimits<Part>[], namespace: string) =>
    list.filter((placed) => placed.namespace === namespace).map(({ part }) => part);
  return {
    cached: (namespace) => ({
      ranges: of(ranges.list(), namespace).flat(),
      quotas: of(quotas.list(), namespace).filter((quota) => quota !== undefined),
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

/** The part of an object that is cached, and its namespace. */
interface PlacedLimits<Part> {
  readonly namespace: string;
  readonly part: Part;
}

function inNamespace<Item extends { readonly metadata: ObjectMeta }, Part>(project: (object: Item) => Part) {
  return (object: Item): PlacedLimits<Part> => ({ namespace: object.metadata.namespace ?? "", part: project(object) });
}

async function readFirstPage<Item>(source: ListWatch<Item>): Promise<readonly Item[]> {
  const { items } = await source.list({ limit: MAX_LIMIT_OBJECTS, signal: new AbortController().signal });
  return items;
}
