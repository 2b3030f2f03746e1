// The timer of everything that is due on one of two clocks (due.ts). A timer counts elapsed time, so it notices neither
// a suspended machine nor a step of the wall clock; a program that waits for longer looks at both clocks now and then.
import type { Clock } from "./clock.ts";

/** Longest time between two checks whether something is due, in milliseconds, unless a caller needs a shorter one. */
export const MAX_CHECK_INTERVAL_MS = 30_000;

/**
 * Runs `check` once, after `delayMs` milliseconds of elapsed time or after `maxIntervalMs`, whichever comes first:
 * `check` finds out whether the time has come, and otherwise waits again. The returned function cancels it.
 */
export function scheduleCheck(
  clock: Pick<Clock, "schedule">,
  check: () => void,
  delayMs: number,
  maxIntervalMs = MAX_CHECK_INTERVAL_MS,
): () => void {
  return clock.schedule(check, Math.min(Math.max(delayMs, 0), maxIntervalMs));
}
