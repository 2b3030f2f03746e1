// Clocks for tests. createFakeClock(): advances only by advance(), due timers run in order, each at its own time.
// createAdvancingClock(): runs with real time and can be advanced.
import { type Clock, systemClock } from "../../src/runtime/clock.ts";

export interface FakeClock extends Clock {
  /** Advances the time, runs every timer that becomes due, and lets promises settle in between. */
  advance(ms: number): Promise<void>;
  /** Sets the wall clock forward, or back by a negative number; timers and elapsed time do not notice. */
  step(ms: number): void;
  /** Suspends the machine: only its wall clock goes on. */
  suspend(ms: number): void;
  /** Stops the process (SIGSTOP): both clocks go on, and timers that become due run late, one after the other. */
  stop(ms: number): Promise<void>;
}

export function createFakeClock(start: number = Date.parse("2026-01-01T00:00:00Z")): FakeClock {
  /** What the wall clock shows when no time has elapsed. */
  let origin = start;
  let elapsed = 0;
  let timers: { readonly at: number; readonly task: () => void }[] = [];
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));

  async function runTimers(until: number): Promise<void> {
    await settle();
    for (;;) {
      const due = timers.filter(({ at }) => at <= until).toSorted((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      timers = timers.filter((timer) => timer !== due);
      elapsed = Math.max(elapsed, due.at);
      due.task();
      await settle();
    }
    elapsed = until;
    await settle();
  }

  return {
    now: () => origin + elapsed,
    elapsedMs: () => elapsed,
    schedule(task, delayMs) {
      // Whole milliseconds, at least one, as with Node's timers. Otherwise fractions of a delay would never pass.
      const timer = { at: elapsed + Math.max(1, Math.trunc(delayMs)), task };
      timers.push(timer);
      return () => {
        timers = timers.filter((other) => other !== timer);
      };
    },
    advance: (ms) => runTimers(elapsed + ms),
    step(ms) {
      origin += ms;
    },
    suspend(ms) {
      origin += ms;
    },
    stop(ms) {
      elapsed += ms;
      return runTimers(elapsed);
    },
  };
}

/** The machine's clock, ahead of it by as much as a test advanced it. */
export interface AdvancingClock extends Clock {
  /** Advances the time at once; timers that become due run before it returns, later ones come closer. */
  advance(ms: number): void;
}

/** Creates a clock with real timers, for programs that use sockets. */
export function createAdvancingClock(): AdvancingClock {
  interface Timer {
    readonly at: number;
    readonly task: () => void;
    cancel: () => void;
  }
  const timers = new Set<Timer>();
  let aheadMs = 0;
  const now = () => Date.now() + aheadMs;

  function run(timer: Timer): void {
    timer.cancel();
    if (timers.delete(timer)) timer.task();
  }

  function arm(timer: Timer): void {
    timer.cancel();
    timer.cancel = systemClock.schedule(() => run(timer), timer.at - now());
  }

  return {
    now,
    elapsedMs: () => performance.now() + aheadMs,
    schedule(task, delayMs) {
      const timer: Timer = { at: now() + delayMs, task, cancel() {} };
      timers.add(timer);
      arm(timer);
      return () => {
        timer.cancel();
        timers.delete(timer);
      };
    },
    advance(ms) {
      aheadMs += ms;
      for (const timer of Array.from(timers).toSorted((a, b) => a.at - b.at)) {
        if (timer.at <= now()) run(timer);
        else arm(timer);
      }
    },
  };
}
