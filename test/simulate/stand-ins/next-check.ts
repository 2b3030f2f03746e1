// Stand-in for src/runtime/next-check.ts: the clocks of a simulation know when they are set, so a check that would find
// nothing is left out. They would be more than half of all events.
import type { scheduleCheck as realScheduleCheck } from "../../../src/runtime/next-check.ts";
import type { ProgramClock } from "../timeline.ts";

export { MAX_CHECK_INTERVAL_MS } from "../../../src/runtime/next-check.ts";

export const scheduleCheck: typeof realScheduleCheck = (clock, check, delayMs) =>
  (clock as ProgramClock).scheduleCheck(check, Math.max(delayMs, 0));
