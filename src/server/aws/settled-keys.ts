// The keys of the cached sessions that nothing happens to before they expire, by the minute in which they do: a sweep
// looks at those whose minute has come, and not at tens of thousands of others.
import { MINUTE_MS } from "../../runtime/clock.ts";
import { type Clocks, type DueTime, untilDueMs } from "../../runtime/due.ts";

/** The uids of the pods that are alive: the same object as long as no pod has begun or ended. */
export type LivingPods = Pick<ReadonlySet<string>, "has">;

export interface SettledKeys {
  /** Adds a key until its expiry. */
  add(key: string, expiry: DueTime, clocks: Clocks): void;
  /**
   * Removes and returns the keys whose minute has come; undefined if any of the entries may have to be looked at,
   * because pods have begun or ended or the wall clock was set.
   */
  takeDue(living: LivingPods, clocks: Clocks): readonly string[] | undefined;
}

/** Wall clocks are corrected by a few milliseconds all the time. */
const MAX_DRIFT_MS = 1_000;

/** Creates an empty record. */
export function createSettledKeys(): SettledKeys {
  const byMinute = new Map<number, Set<string>>();
  let comparedWith: LivingPods | undefined;
  /** Between the two clocks, while the minutes were computed. */
  let differenceMs = Number.NaN;
  /** The minute of the last look: no key has an earlier one. */
  let lookedAt = 0;

  return {
    add(key, expiry, clocks) {
      const minute = Math.max(minuteOf(clocks.elapsedMs() + untilDueMs(clocks, expiry)), lookedAt);
      const keys = byMinute.get(minute) ?? new Set<string>();
      byMinute.set(minute, keys.add(key));
    },
    takeDue(living, clocks) {
      const difference = clocks.now() - clocks.elapsedMs();
      const now = minuteOf(clocks.elapsedMs());
      const from = lookedAt;
      lookedAt = now;
      if (living !== comparedWith || !(Math.abs(difference - differenceMs) <= MAX_DRIFT_MS)) {
        comparedWith = living;
        differenceMs = difference;
        byMinute.clear();
        return undefined;
      }
      const due: string[] = [];
      for (let minute = from; minute <= now; minute += 1) {
        for (const key of byMinute.get(minute) ?? []) due.push(key);
        byMinute.delete(minute);
      }
      return due;
    },
  };
}

function minuteOf(ms: number): number {
  return Math.floor(ms / MINUTE_MS);
}
