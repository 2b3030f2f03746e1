// Leaves quota for the other users of STS: a token bucket on the server's calls, and one pause for all of them when STS
// throttles. Both exist per calling account, because a call counts against the caller's quota (by Region), whatever account
// the role is in: the server's own account, and that of each first hop.
// States of an account: open → paused (STS throttled: 1 s doubling to 30 s, or Retry-After if longer) → open again after
// the pause, with an empty bucket, so that waiting callers are not all admitted at once; the first success resets the
// doubling. No timer runs here. There are as many accounts as the settings name, kept as long as the server runs.
import type { AssumeRoleInput } from "../../policy/decide.ts";
import { parseRoleArn } from "../../policy/role.ts";
import { PodroleError } from "../../protocol/errors.ts";
import { backoff, type Clock } from "../../runtime/clock.ts";
import { createTokenBucket, type TokenBucket } from "../../runtime/token-bucket.ts";
import type { AssumeRole } from "./sts.ts";

export interface StsLimiterOptions {
  /** Sustained calls per second, for each calling account. */
  readonly ratePerSecond: number;
  /** Calls admitted at once when the bucket is full. */
  readonly burst: number;
}

export interface StsLimiterDeps {
  readonly clock: Clock;
  readonly assumeRole: AssumeRole;
  /** Called for each call that is not made, with the reason and the wait returned to the caller, in milliseconds. */
  readonly onLimited: (reason: "rate" | "pause", retryAfterMs: number) => void;
}

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
/** Waits are spread over this much time; a caller whose wait would be longer gets the shortest one again. */
const LONGEST_WAIT_MS = 30_000;

/** State of one calling account; times are Unix milliseconds. */
interface Account {
  readonly bucket: TokenBucket;
  pausedUntil: number;
  /** Throttled calls in a row that no pause could have prevented. */
  throttles: number;
  /** When the caller refused last may retry; the next one gets a later time, so that retries are spread. */
  lastRetryAt: number;
}

/** Wraps `assumeRole`. A call that is not made rejects with STS_THROTTLED and `retryAfterMs`. */
export function createStsLimiter(
  { clock, assumeRole, onLimited }: StsLimiterDeps,
  { ratePerSecond, burst }: StsLimiterOptions,
): AssumeRole {
  const accounts = new Map<string, Account>();
  const spacingMs = 1000 / ratePerSecond;

  function accountOf({ via }: AssumeRoleInput): Account {
    const id = (via && parseRoleArn(via)?.accountId) ?? "own";
    const account = accounts.get(id) ?? {
      bucket: createTokenBucket({ clock }, { burst, spacingMs }),
      pausedUntil: 0,
      throttles: 0,
      lastRetryAt: 0,
    };
    accounts.set(id, account);
    return account;
  }

  function admit(account: Account, roleArn: string): void {
    const now = clock.now();
    const isPaused = account.pausedUntil > now;
    if (!isPaused && account.bucket.take()) return;
    const earliest = isPaused ? account.pausedUntil : now + account.bucket.waitMs();
    const next = Math.max(earliest, account.lastRetryAt + spacingMs);
    account.lastRetryAt = next - earliest > LONGEST_WAIT_MS ? earliest : next;
    const retryAfterMs = account.lastRetryAt - now;
    onLimited(isPaused ? "pause" : "rate", retryAfterMs);
    const state = isPaused
      ? "STS throttles this account; expected a retry after the pause"
      : `more than ${ratePerSecond} calls per second; expected at most --sts-rate`;
    throw new PodroleError("STS_THROTTLED", `Cannot assume role ${roleArn}: ${state}`, { retryAfterMs });
  }

  /** Starts one pause, however many calls were in flight when STS began to throttle. */
  function pause(account: Account, startedAt: number, retryAfterMs: number): void {
    if (startedAt < account.pausedUntil) return;
    const pauseMs = Math.max(backoff(account.throttles++, FIRST_PAUSE_MS, LONGEST_PAUSE_MS), retryAfterMs);
    account.pausedUntil = clock.now() + pauseMs;
    account.bucket.emptyUntil(account.pausedUntil);
  }

  return async (input) => {
    const account = accountOf(input);
    admit(account, input.roleArn);
    const startedAt = clock.now();
    try {
      const credentials = await assumeRole(input);
      if (startedAt >= account.pausedUntil) account.throttles = 0;
      return credentials;
    } catch (error) {
      if (!(error instanceof PodroleError) || error.code !== "STS_THROTTLED") throw error;
      pause(account, startedAt, error.retryAfterMs ?? 0);
      const retryAfterMs = Math.max(account.pausedUntil - clock.now(), 0);
      throw new PodroleError(error.code, error.message, { cause: error.cause, retryAfterMs });
    }
  };
}
