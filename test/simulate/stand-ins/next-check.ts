// Stand-in for src/runtime/next-check.ts: the clocks of a simulation know when they are set, so a check that would find
// nothing is left out. They would be more than half of all events.
import type { Clock } from "../../../src/runtime/clock.ts";
import { MAX_CHECK_INTERVAL_MS } from "../../../src/runtime/next-check.ts";
import type { ProgramClock } from "../timeline.ts";

export { MAX_CHECK_INTERVAL_MS };

export function scheduleCheck(
  clock: Pick<Clock, "schedule">,
  check: () => void,
  delayMs: number,
  maxIntervalMs = MAX_CHECK_INTERVAL_MS,
): () => void {
  return (clock as ProgramClock).scheduleCheck(check, Math.max(delayMs, 0), maxIntervalMs);
}
