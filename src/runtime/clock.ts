// Time as a dependency: everything that waits or compares times takes a Clock, so that tests advance it by hand and a
// suspended machine is an ordinary case. Certificates and credentials expire by wall clock, but the wall clock may be
// set; due.ts compares times on both clocks.
import { hrtime } from "node:process";
import { type DueTime, dueAfter, untilDueMs } from "./due.ts";
import { scheduleCheck } from "./next-check.ts";

/** A second in milliseconds. */
export const SECOND_MS = 1_000;
/** A minute in milliseconds. */
export const MINUTE_MS = 60 * SECOND_MS;
/** An hour in milliseconds. */
export const HOUR_MS = 60 * MINUTE_MS;
/** A day in milliseconds. */
export const DAY_MS = 24 * HOUR_MS;

/** The time of a program and its timers. */
export interface Clock {
  /** Unix time in milliseconds: the wall clock, which may be set forward and back. */
  now(): number;
  /**
   * Milliseconds since some point in the past, by a clock that is never set and halts while the machine is suspended.
   */
  elapsedMs(): number;
  /**
   * Runs `task` once after `delayMs` of elapsed time; the returned function cancels it. Pending timers do not keep the
   * process alive.
   */
  schedule(task: () => void, delayMs: number): () => void;
}

/**
 * Formats Unix milliseconds in RFC 3339, as whole seconds and an upper-case Z, such as "2026-11-26T01:02:03Z". Rounds
 * down, never up.
 */
export function formatSeconds(unixMs: number): string {
  return `${new Date(unixMs).toISOString().slice(0, 19)}Z`;
}

/** Node fires timers longer than 2^31-1 ms immediately. */
const MAX_TIMER_MS = 2_147_483_647;

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  // performance.now() reads the same clock, and its first call loads node:perf_hooks: 2 ms of CPU in each process.
  elapsedMs: () => Number(hrtime.bigint()) / 1e6,
  schedule(task, delayMs) {
    const timer = setTimeout(task, Math.min(Math.max(delayMs, 0), MAX_TIMER_MS));
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/**
 * Resolves after `delayMs`, or as soon as `signal` aborts. The delay ends on the wall clock or by elapsed time,
 * whichever comes first; a step of the wall clock or a suspension is noticed within 30 s. It never rejects: callers
 * check the signal.
 */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return sleepUntil(clock, dueAfter(clock, delayMs), signal);
}

/** Resolves when `time` is due, as sleep() does; in the next turn of the event loop if it is due already. */
export function sleepUntil(clock: Clock, time: DueTime, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      cancel();
      signal?.removeEventListener("abort", done);
      resolve();
    };
    signal?.addEventListener("abort", done, { once: true });
    const cancel = scheduleWhenDue(clock, done, time);
  });
}

/** Runs `task` once `time` is due, but never at once; the returned function cancels it. */
function scheduleWhenDue(clock: Clock, task: () => void, time: DueTime): () => void {
  let cancel = () => {};
  const wait = () => {
    cancel = scheduleCheck(clock, check, untilDueMs(clock, time));
  };
  const check = () => (untilDueMs(clock, time) > 0 ? wait() : task());
  wait();
  return () => cancel();
}

/** Resolves once `signal` is aborted; at once if it already is. Never rejects. */
export function untilAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** A task that runs again and again. */
export interface Repetition {
  /** Ends the current wait; during a run, the next one follows at once. */
  readonly wake: () => void;
  /** Resolves after the signal is aborted and a run that was under way has ended; rejects if a run does. */
  readonly ended: Promise<void>;
}

/** Shortest wait of a repetition in milliseconds: a task that returns 0 or less must not occupy the process. */
const MIN_WAIT_MS = 100;

/**
 * Runs `task`, waits as many milliseconds as it returns (at least 100), and runs it again, until `signal` is aborted.
 * The first run begins now, or after `firstWaitMs`.
 */
export function repeat(
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
  task: () => Promise<number> | number,
  firstWaitMs = 0,
): Repetition {
  let isWoken = false;
  let endWait = () => {};
  const onAbort = () => endWait();

  function wait(waitMs: number): Promise<void> {
    return new Promise((resolve) => {
      if (isWoken || signal.aborted) return resolve();
      const cancel = scheduleWhenDue(clock, resolve, dueAfter(clock, waitMs));
      endWait = () => {
        cancel();
        resolve();
      };
    });
  }

  async function run(): Promise<void> {
    if (firstWaitMs > 0) await wait(firstWaitMs);
    while (!signal.aborted) {
      isWoken = false;
      await wait(Math.max(await task(), MIN_WAIT_MS));
    }
  }

  // One listener for all waits: some tasks run each few seconds for as long as their program does.
  signal.addEventListener("abort", onAbort, { once: true });
  const ended = run().finally(() => signal.removeEventListener("abort", onAbort));
  return {
    wake() {
      isWoken = true;
      endWait();
    },
    ended,
  };
}

/** Returns `ms` varied at random by up to ±`fraction`, so that callers that started together spread out. */
export function jitter(ms: number, fraction: number, random: () => number = Math.random): number {
  return ms * (1 + fraction * (2 * random() - 1));
}

/**
 * Returns the delay before attempt `attempt` (from 0), in milliseconds: it doubles from `baseMs` up to `capMs`, with
 * ±20 % jitter.
 */
export function backoff(attempt: number, baseMs: number, capMs: number, random: () => number = Math.random): number {
  return jitter(Math.min(capMs, baseMs * 2 ** Math.min(attempt, 30)), 0.2, random);
}
