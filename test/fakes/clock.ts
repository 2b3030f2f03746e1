// A clock that advances only by advance(): due timers run in order, each at its own time.
import type { Clock } from "../../src/runtime/clock.ts";

export interface FakeClock extends Clock {
  /** Advances the time, runs every timer that becomes due, and lets promises settle in between. */
  advance(ms: number): Promise<void>;
}

export function createFakeClock(start: number = Date.parse("2026-01-01T00:00:00Z")): FakeClock {
  let now = start;
  let timers: { readonly at: number; readonly task: () => void }[] = [];
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  return {
    now: () => now,
    schedule(task, delayMs) {
      // Whole milliseconds, at least one, as with Node's timers. Otherwise fractions of a delay would never pass.
      const timer = { at: now + Math.max(1, Math.trunc(delayMs)), task };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    async advance(ms) {
      const until = now + ms;
      await settle();
      for (;;) {
        const due = timers.filter(({ at }) => at <= until).toSorted((a, b) => a.at - b.at)[0];
        if (due === undefined) break;
        timers = timers.filter((timer) => timer !== due);
        now = due.at;
        due.task();
        await settle();
      }
      now = until;
      await settle();
    },
  };
}
