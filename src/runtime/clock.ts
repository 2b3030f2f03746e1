// Time as a dependency: everything that waits or compares times gets a Clock, so that tests move it by hand and a
// suspended machine is an ordinary case. Wall-clock milliseconds: certificates and credentials expire by wall clock.

export interface Clock {
  /** Unix time in milliseconds. */
  now(): number;
  /** Runs `task` once after `delayMs`; the returned function cancels it. Timers do not keep a process alive. */
  schedule(task: () => void, delayMs: number): () => void;
}

/** Node caps timers at 2^31-1 ms and fires longer ones at once. */
const LONGEST_TIMER_MS = 2_147_483_647;

export const systemClock: Clock = {
  now: () => Date.now(),
  schedule(task, delayMs) {
    const timer = setTimeout(task, Math.min(Math.max(delayMs, 0), LONGEST_TIMER_MS));
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** Resolves after `delayMs` of `clock`, or at once when `signal` aborts (it never rejects: callers check the signal). */
export function sleep(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const done = () => {
      cancel();
      signal?.removeEventListener("abort", done);
      resolve();
    };
    const cancel = clock.schedule(done, delayMs);
    signal?.addEventListener("abort", done, { once: true });
  });
}

/** `ms` moved at random by up to ±`fraction`, so that many callers that started together do not stay together. */
export function jitter(ms: number, fraction: number, random: () => number = Math.random): number {
  return ms * (1 + fraction * (2 * random() - 1));
}

/** Waiting time before attempt `attempt` (from 0): doubles from `baseMs` up to `capMs`, each with ±20 % jitter. */
export function backoff(attempt: number, baseMs: number, capMs: number, random: () => number = Math.random): number {
  return jitter(Math.min(capMs, baseMs * 2 ** Math.min(attempt, 30)), 0.2, random);
}
