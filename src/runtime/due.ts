// Times at which something is due, on two clocks at once: the wall clock and the elapsed time. A time is due as soon as
// one of them reaches it. So a wall clock that is set back prolongs nothing, and a suspended machine, whose elapsed
// time and timers halt, notices at the next check that its wall clock went on.
// States of a DueTask: idle → waiting (set(); checks at least every 30 s, because a timer notices neither a suspension
// nor a step of the wall clock) → idle, by its task or by cancel(). A task that throws is reported and is due again
// after 30 s, unless it has set another time. Between two runs of a task lies at least the minimum interval, whatever
// times are set.
import type { Clock } from "./clock.ts";
import { MAX_CHECK_INTERVAL_MS, scheduleCheck } from "./next-check.ts";

/** The two clocks on which times are compared. */
export type Clocks = Pick<Clock, "now" | "elapsedMs">;

/** One point in time on both clocks. */
export interface DueTime {
  /** Unix milliseconds. */
  readonly wallMs: number;
  /** Milliseconds of `Clock.elapsedMs()`. */
  readonly elapsedMs: number;
}

/** Returns the time that is `delayMs` milliseconds from now; for a negative delay, one that is due already. */
export function dueAfter(clock: Clocks, delayMs: number): DueTime {
  return { wallMs: clock.now() + delayMs, elapsedMs: clock.elapsedMs() + delayMs };
}

/** Returns the time that is `ms` milliseconds later, or earlier for a negative number. */
export function laterBy({ wallMs, elapsedMs }: DueTime, ms: number): DueTime {
  return { wallMs: wallMs + ms, elapsedMs: elapsedMs + ms };
}

/** Returns the milliseconds until the first of the two clocks reaches the time; 0 or less once it is due. */
export function untilDueMs(clock: Clocks, { wallMs, elapsedMs }: DueTime): number {
  return Math.min(wallMs - clock.now(), elapsedMs - clock.elapsedMs());
}

/**
 * Returns for how many milliseconds a time has passed: the longer of the two times; 0 if it has not come on either
 * clock.
 */
export function passedMs(clock: Clocks, time: DueTime): number {
  return Math.max(-untilDueMs(clock, time), 0);
}

/** Reports whether one of the two clocks has reached the time. */
export function isDue(clock: Clocks, time: DueTime): boolean {
  return untilDueMs(clock, time) <= 0;
}

/** A task that runs when it is due. */
export interface DueTask {
  /** Sets when the task runs next; replaces the time that was set before. */
  set(time: DueTime): void;
  /** Keeps the task from running until the next set(). */
  cancel(): void;
}

/** What a DueTask depends on. `onError` receives what the task throws. */
export interface DueTaskDeps {
  readonly clock: Clock;
  readonly onError: (error: unknown) => void;
}

/**
 * Creates a task without a time. `minIntervalMs` (at most 30 000): a run starts no earlier than this many elapsed
 * milliseconds after the start of the previous one, even if its time is due already.
 */
export function createDueTask(
  { clock, onError }: DueTaskDeps,
  { minIntervalMs }: { readonly minIntervalMs: number },
  task: () => void,
): DueTask {
  let next: DueTime | undefined;
  let ranAt = Number.NEGATIVE_INFINITY;
  let cancelTimer = () => {};

  function wait(): void {
    cancelTimer();
    if (next === undefined) return;
    const restMs = ranAt + minIntervalMs - clock.elapsedMs();
    cancelTimer = scheduleCheck(clock, check, Math.max(untilDueMs(clock, next), restMs));
  }

  function check(): void {
    if (next === undefined) return;
    const hasRested = clock.elapsedMs() >= ranAt + minIntervalMs;
    if (hasRested && isDue(clock, next)) run();
    wait();
  }

  function run(): void {
    next = undefined;
    ranAt = clock.elapsedMs();
    try {
      task();
    } catch (error) {
      next ??= dueAfter(clock, MAX_CHECK_INTERVAL_MS);
      onError(error);
    }
  }

  return {
    set(time) {
      next = time;
      wait();
    },
    cancel() {
      next = undefined;
      cancelTimer();
    },
  };
}
