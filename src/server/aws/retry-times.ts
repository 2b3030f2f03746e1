// Tells each refused caller another time to retry, so that refused callers do not return all at once: the times of one
// pod, and of one namespace, follow each other, and those of others lie in between, so that a pod or a namespace with
// many refused calls does not push the times of the others back. A time lives until it has passed; past ones are
// removed once a second at most, at the next call.
import type { Clock } from "../../runtime/clock.ts";
import type { PodKey } from "../turns/fair-queue.ts";

export interface RetryTimesOptions {
  /** Milliseconds between two calls of one account. */
  readonly spacingMs: number;
  /** A caller whose time would be further than this after the earliest one gets the earliest one again. */
  readonly spreadMs: number;
}

/** Returns a time to retry, `earliest` or later; times are milliseconds of `Clock.elapsedMs()`. */
export type RetryTimes = (pod: PodKey, earliest: number) => number;

const PRUNE_INTERVAL_MS = 1_000;

/** Creates a spread without any time in it. */
export function createRetryTimes(
  { clock }: { readonly clock: Clock },
  { spacingMs, spreadMs }: RetryTimesOptions,
): RetryTimes {
  /** Namespace → uid of pod → its latest time. */
  const latest = new Map<string, Map<string, number>>();
  let prunedAt = clock.elapsedMs();

  function prune(): void {
    const now = clock.elapsedMs();
    if (now - prunedAt < PRUNE_INTERVAL_MS) return;
    prunedAt = now;
    for (const [namespace, pods] of latest) {
      for (const [uid, time] of pods) if (time <= now) pods.delete(uid);
      if (pods.size === 0) latest.delete(namespace);
    }
  }

  return ({ namespace, uid }, earliest) => {
    prune();
    const pods = latest.get(namespace) ?? new Map<string, number>();
    const isFirstOfNamespace = pods.size === 0;
    latest.set(namespace, pods);
    const own = pods.get(uid);
    // Between two calls of a namespace each other namespace gets one, and between two calls of a pod each other pod of
    // its namespace.
    const turnMs = spacingMs * latest.size;
    const offsetMs = isFirstOfNamespace ? spacingMs * (latest.size - 1) : turnMs * pods.size;
    const next = own === undefined ? earliest + offsetMs : Math.max(earliest, own + turnMs * pods.size);
    const time = next - earliest > spreadMs ? earliest : next;
    pods.set(uid, time);
    return time;
  };
}
