// When the next renewal is due: at half of the lifetime of the stored credentials, or after the wait that follows one
// that did not succeed (pace.ts). Pure; times are Unix milliseconds.
import type { Renewal } from "./outcome.ts";
import type { RetryWaits } from "./pace.ts";

/** Between renewals that succeeded: short enough to bridge an SDK's retries, long enough for a slow node. */
const MIN_INTERVAL_AFTER_SUCCESS_MS = 1_000;

/** The last renewal, and how long to wait after it; no waits if it succeeded. */
export interface EndedRenewal {
  readonly renewal: Renewal;
  readonly endedAt: number;
  readonly waits: RetryWaits | undefined;
}

/** What the due time depends on. */
export interface DueInput {
  readonly now: number;
  /** Undefined before the first renewal. */
  readonly last: EndedRenewal | undefined;
  /** True if a caller waits for a renewal. */
  readonly isRequested: boolean;
  /** True while a TCP connection to the server cannot be opened. */
  readonly isAway: boolean;
  /** When the stored credentials are due; 0 if some are missing. */
  readonly renewAt: number;
}

/** Returns the milliseconds until the next renewal; 0 or less if it is due. */
export function dueInMs({ now, last, isRequested, isAway, renewAt }: DueInput): number {
  if (last === undefined) return renewAt - now;
  const { waits, endedAt } = last;
  const waited = now - endedAt;
  if (waits === undefined) return Math.max(isRequested ? 0 : renewAt - now, MIN_INTERVAL_AFTER_SUCCESS_MS - waited);
  return waitIn(waits, { isRequested, isAway, renewAt }) - waited;
}

function waitIn(
  waits: RetryWaits,
  { isRequested, isAway, renewAt }: Pick<DueInput, "isRequested" | "isAway" | "renewAt">,
) {
  if (isAway) return waits.awayMs;
  if (isRequested) return waits.requestedMs;
  return renewAt > 0 ? waits.unhurriedMs : waits.urgentMs;
}
