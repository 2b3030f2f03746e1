// Keeps the account's other users of STS alive: a token bucket on our calls, and one pause for everybody when STS
// throttles. States: open → paused (STS throttled: doubles from 1 s to 30 s) → open again when the pause has passed;
// the first success resets the doubling. Nothing runs here by itself; the state is three numbers.
import { PodroleError } from "../protocol/errors.ts";
import { backoff, type Clock } from "../runtime/clock.ts";
import type { AssumeRole } from "./sts.ts";

export interface StsLimiterOptions {
  /** Calls a second in the long run. */
  readonly ratePerSecond: number;
  /** Calls at once after a quiet time. */
  readonly burst: number;
}

export interface StsLimiterDeps {
  readonly clock: Clock;
  readonly assumeRole: AssumeRole;
  /** Hears of each call that is not made, why, and the wait that it was told. */
  readonly onHeldBack?: (reason: "rate" | "pause", retryAfterMs: number) => void;
}

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

/** `assumeRole` behind the bucket. Refused calls are STS_THROTTLED with the time after which asking makes sense. */
export function createStsLimiter(
  { clock, assumeRole, onHeldBack }: StsLimiterDeps,
  { ratePerSecond, burst }: StsLimiterOptions,
): AssumeRole {
  let tokens = burst;
  let filledAt = clock.now();
  let pausedUntil = 0;
  let throttles = 0;

  function admit(roleArn: string): void {
    const now = clock.now();
    tokens = Math.min(burst, tokens + (Math.max(0, now - filledAt) / 1000) * ratePerSecond);
    filledAt = now;
    const retryAfterMs = Math.max(pausedUntil - now, tokens >= 1 ? 0 : ((1 - tokens) / ratePerSecond) * 1000);
    if (retryAfterMs > 0) {
      onHeldBack?.(pausedUntil > now ? "pause" : "rate", retryAfterMs);
      const state = pausedUntil > now ? "STS throttles this account" : `more than ${ratePerSecond} calls a second`;
      throw new PodroleError("STS_THROTTLED", `Cannot assume role ${roleArn}: ${state}`, { retryAfterMs });
    }
    tokens -= 1;
  }

  return async (input) => {
    admit(input.roleArn);
    try {
      const credentials = await assumeRole(input);
      throttles = 0;
      return credentials;
    } catch (error) {
      if (!(error instanceof PodroleError) || error.code !== "STS_THROTTLED") throw error;
      const retryAfterMs = backoff(throttles++, FIRST_PAUSE_MS, LONGEST_PAUSE_MS);
      pausedUntil = clock.now() + retryAfterMs;
      throw new PodroleError(error.code, error.message, { cause: error.cause, retryAfterMs });
    }
  };
}
