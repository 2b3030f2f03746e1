// Bounds look-ups of the Kubernetes API that callers cause: one per key at a time, which serves all who wait for it,
// and its result is returned again for some seconds. Otherwise a pod that is refused, or a certificate of a deleted
// pod, could turn each of its calls into requests to the API server.
// States of an entry: in flight → remembered (for `rememberMs` after the answer, and while what a watch has seen is the
// same) → replaced by the key's next look-up, or evicted when there are too many. A rejected look-up is dropped at once.
import type { Clock } from "../../runtime/clock.ts";
import { type DueTime, dueAfter, isDue } from "../../runtime/due.ts";
import { createLru } from "../../runtime/lru.ts";

export interface LookupCacheOptions {
  /** Milliseconds. */
  readonly rememberMs: number;
  /** Most results to remember; beyond that the least recently used one is evicted. */
  readonly capacity: number;
}

interface LookupEntry<Result> {
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

/** Returns a function whose results are at most `rememberMs` old. */
export function createLookupCache<Result>(
  { clock }: { readonly clock: Clock },
  { rememberMs, capacity }: LookupCacheOptions,
): LookUpOnce<Result> {
  const entries = createLru<LookupEntry<Result>>(capacity);

  return (key, lookUp, seen = []) => {
    const known = entries.get(key);
    const isOfThese = known?.seen.every((each, index) => each === seen[index]);
    if (known && isOfThese && !(known.until && isDue(clock, known.until))) return known.result;
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
