// Bounds look-ups of the Kubernetes API that callers cause: one per key at a time, which serves all who wait for it,
// and its result is returned again for some seconds. Otherwise a pod that is refused, or a certificate of a deleted
// pod, could turn each of its calls into requests to the API server.
// States of an entry: in flight → remembered (for `rememberMs` after the answer, and while what a watch has seen is the
// same) → replaced by the key's next look-up, or dropped: once it is too old, when the next look-up begins, and when
// there are too many. A rejected look-up is dropped at once.
import type { Clock } from "../../runtime/clock.ts";
import { type DueTime, dueAfter, isDue } from "../../runtime/due.ts";
import { createLru, type Lru } from "../../runtime/lru.ts";

export interface LookupCacheOptions {
  /** Milliseconds. */
  readonly rememberMs: number;
  /** Most results to remember; beyond that the oldest is dropped. */
  readonly capacity: number;
}

/** A look-up in flight, or a result. */
export interface LookupEntry<Result> {
  readonly result: Promise<Result>;
  /** When the look-up began. */
  readonly seen: readonly unknown[];
  /** When it is too old; undefined while in flight. */
  until?: DueTime;
}

/**
 * Resolves with the result of `lookUp` for a key; rejects as `lookUp`. `seen`: the objects of a watch's cache that are
 * about the same thing. A result is not returned to a caller that sees other ones: it may be older than them.
 */
export type LookUpOnce<Result> = (
  key: string,
  lookUp: () => Promise<Result>,
  seen?: readonly unknown[],
) => Promise<Result>;

/** Returns a function whose results are at most `rememberMs` old. `entries`: where it keeps them. */
export function createLookupCache<Result>(
  { clock }: { readonly clock: Clock },
  { rememberMs, capacity }: LookupCacheOptions,
  entries: Lru<LookupEntry<Result>> = createLru(capacity),
): LookUpOnce<Result> {
  /** What a caller made the server look up, pods that are gone too, is not kept for longer than it is used. */
  function dropDue(): void {
    for (const [key, { until }] of entries.entries()) {
      if (until === undefined || !isDue(clock, until)) return;
      entries.delete(key);
    }
  }

  return (key, lookUp, seen = []) => {
    // Not get(): the order of the entries is that of their times.
    const known = entries.peek(key);
    const isOfThese = known?.seen.every((each, index) => each === seen[index]);
    if (known && isOfThese && !(known.until && isDue(clock, known.until))) return known.result;
    dropDue();
    const entry: LookupEntry<Result> = { result: lookUp(), seen };
    entries.set(key, entry);
    entry.result.then(
      () => {
        entry.until = dueAfter(clock, rememberMs);
      },
      () => {
        if (entries.get(key) === entry) entries.delete(key);
      },
    );
    return entry.result;
  };
}
