// Keeps other users of STS alive: a token bucket on our calls, and one pause for everybody when STS throttles. Both are
// kept for each account that calls, because that is whose quota a call counts against (by Region), whatever account the
// role is in: the server's own, and that of each first hop.
// States of an account: open → paused (STS throttled: doubles from 1 s to 30 s, or what Retry-After asks for) → open
// again when the pause has passed, with an empty bucket, so that those who waited do not all go at once; the first
// success resets the doubling. Nothing runs here by itself, and there are as many accounts as the settings name.
import type { AssumeRoleInput } from "../../policy/decide.ts";
import { parseRoleArn } from "../../policy/role.ts";
import { PodroleError } from "../../protocol/errors.ts";
import { backoff, type Clock } from "../../runtime/clock.ts";
import type { AssumeRole } from "./sts.ts";

export interface StsLimiterOptions {
  /** Calls a second in the long run, for each account that calls. */
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
/** Waits are spread over this; whoever would have to wait longer starts again at the front. */
const LONGEST_WAIT_MS = 30_000;

interface Account {
  tokens: number;
  filledAt: number;
  pausedUntil: number;
  /** Throttled calls in a row that no pause could have prevented. */
  throttles: number;
  /** The time that was last told to somebody who has to wait: the next one is told a later one. */
  promised: number;
}

/** `assumeRole` behind the bucket. Refused calls are STS_THROTTLED with the time after which asking makes sense. */
export function createStsLimiter(
  { clock, assumeRole, onHeldBack }: StsLimiterDeps,
  { ratePerSecond, burst }: StsLimiterOptions,
): AssumeRole {
  const accounts = new Map<string, Account>();
  const spacingMs = 1000 / ratePerSecond;

  function accountOf({ via }: AssumeRoleInput): Account {
    const id = (via && parseRoleArn(via)?.accountId) ?? "own";
    const account = accounts.get(id) ?? {
      tokens: burst,
      filledAt: clock.now(),
      pausedUntil: 0,
      throttles: 0,
      promised: 0,
    };
    accounts.set(id, account);
    return account;
  }

  function admit(account: Account, roleArn: string): void {
    const now = clock.now();
    const isPaused = account.pausedUntil > now;
    if (!isPaused) {
      const filled = account.tokens + Math.max(0, now - account.filledAt) / spacingMs;
      account.tokens = Math.min(burst, filled);
      account.filledAt = now;
      if (account.tokens >= 1) return void (account.tokens -= 1);
    }
    const earliest = isPaused ? account.pausedUntil : now + (1 - account.tokens) * spacingMs;
    const next = Math.max(earliest, account.promised + spacingMs);
    account.promised = next - earliest > LONGEST_WAIT_MS ? earliest : next;
    const retryAfterMs = account.promised - now;
    onHeldBack?.(isPaused ? "pause" : "rate", retryAfterMs);
    const state = isPaused ? "STS throttles this account" : `more than ${ratePerSecond} calls a second`;
    throw new PodroleError("STS_THROTTLED", `Cannot assume role ${roleArn}: ${state}`, { retryAfterMs });
  }

  /** One pause, however many calls were on their way when STS began to throttle. */
  function pause(account: Account, startedAt: number, askedForMs: number): void {
    if (startedAt < account.pausedUntil) return;
    const pauseMs = Math.max(backoff(account.throttles++, FIRST_PAUSE_MS, LONGEST_PAUSE_MS), askedForMs);
    account.pausedUntil = clock.now() + pauseMs;
    account.tokens = 0;
    account.filledAt = account.pausedUntil;
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
