// A clock that stands still until a test moves it.
import type { Clock } from "../../../src/runtime/clock.ts";

export interface ManualClock extends Clock {
  /** Moves the time by `ms` and runs what has become due, in order. */
  advance(ms: number): void;
  /** How many tasks wait. */
  readonly pending: number;
}

export function createManualClock(start = Date.UTC(2026, 0, 15, 12)): ManualClock {
  let now = start;
  const tasks = new Set<{ readonly at: number; readonly run: () => void }>();
  return {
    now: () => now,
    schedule(run, delayMs) {
      const task = { at: now + delayMs, run };
      tasks.add(task);
      return () => void tasks.delete(task);
    },
    advance(ms) {
      const until = now + ms;
      for (;;) {
        const [next] = [...tasks].filter((task) => task.at <= until).sort((left, right) => left.at - right.at);
        if (next === undefined) break;
        tasks.delete(next);
        now = Math.max(now, next.at);
        next.run();
      }
      now = until;
    },
    get pending() {
      return tasks.size;
    },
  };
}
