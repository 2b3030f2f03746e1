// When the next renewal is due: at half of the lifetime of the stored credentials, after a back-off that follows a failure,
// or, for a caller that waits, after a minimum interval. Pure; times are Unix milliseconds.
import { backoff, jitter } from "../../runtime/clock.ts";
import { isPermanent, type Renewal } from "./outcome.ts";

const MIN_BACKOFF_MS = 1_000;
const MAX_BACKOFF_MS = 60_000;
/** Shorter until the pod has received credentials, because a waiting pod does no work at all. */
const MIN_START_BACKOFF_MS = 250;
const MAX_START_BACKOFF_MS = 10_000;
/** Between renewals that callers request: short enough to bridge an SDK's retries, long enough for a slow node. */
const MIN_INTERVAL_MS = 1_000;
/** The same after a permanent refusal: an operator who has just corrected the cause does not wait long. */
const MIN_PERMANENT_INTERVAL_MS = 10_000;

/** The last renewal, and how long to wait after it if it did not succeed. */
export interface EndedRenewal {
  readonly renewal: Renewal;
  readonly endedAt: number;
  readonly waitMs: number;
}

/** What the due time depends on. */
export interface DueInput {
  readonly now: number;
  /** Undefined before the first renewal. */
  readonly last: EndedRenewal | undefined;
  /** True if a caller waits for a renewal. */
  readonly requested: boolean;
  /** When the stored credentials are due; 0 if some are missing. */
  readonly renewAt: number;
}

/** Returns the milliseconds until the next renewal; 0 or less if it is due. */
export function dueInMs({ now, last, requested, renewAt }: DueInput): number {
  if (last === undefined) return renewAt - now;
  const { renewal, endedAt, waitMs } = last;
  // A wall clock that was set back hides how much time has passed; assume enough.
  const waited = now < endedAt ? Number.POSITIVE_INFINITY : now - endedAt;
  if (requested) return minIntervalAfter(renewal) - waited;
  if (renewal.outcome !== "renewed") return waitMs - waited;
  return Math.max(renewAt - now, MIN_INTERVAL_MS - waited);
}

function minIntervalAfter(renewal: Renewal): number {
  if (renewal.outcome === "renewed") return MIN_INTERVAL_MS;
  return Math.max(isPermanent(renewal) ? MIN_PERMANENT_INTERVAL_MS : MIN_INTERVAL_MS, renewal.retryAfterMs);
}

/**
 * Returns how long to wait after a renewal before the next attempt, in milliseconds: 0 after a success, otherwise the
 * back-off, or the origin's Retry-After if that is longer. `failures`: consecutive ones, this included; `ready`: the pod has
 * received credentials.
 */
export function waitAfter(
  renewal: Renewal,
  { failures, ready }: { readonly failures: number; readonly ready: boolean },
  random: () => number,
): number {
  if (renewal.outcome === "renewed") return 0;
  const wait = ready
    ? isPermanent(renewal)
      ? jitter(MAX_BACKOFF_MS, 0.2, random)
      : backoff(failures - 1, MIN_BACKOFF_MS, MAX_BACKOFF_MS, random)
    : backoff(failures - 1, MIN_START_BACKOFF_MS, MAX_START_BACKOFF_MS, random);
  return Math.max(wait, renewal.retryAfterMs);
}
