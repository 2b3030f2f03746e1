// Leaves quota for the other users of STS, and shares the rest among the pods of this cluster: a token bucket on the
// server's calls, a queue in front of it in which namespaces take turns, and within a namespace its pods, and one pause
// for all of them when STS throttles. Pods that share a session share its call to STS: each of them queues in its own
// turn, and the first turn serves them all, so that a pod whose namespace or which itself has used up its share delays
// no other. All of these exist per calling account, because a call counts against the caller's quota (by Region),
// whatever account the role is in: the server's own account, and that of each first hop.
// States of an account: open → paused (STS throttled: 1 s doubling to 30 s, or Retry-After, at most 30 s, if longer) →
// open again after the pause, with an empty bucket, so that waiting callers are not all admitted at once; the first
// success resets the doubling. There are as many accounts as the settings name, kept as long as the server runs.
// States of a call:
// - made, if the bucket has a token and no call waits → ended by STS.
// - joined, if the call for the same session is being made → ended with it.
// - waiting, if there is no token → made in its turn, or joined when the turn of another pod for the same session comes
//   first; or refused after 5 s.
// - dropped from the queue, when that is full and it is the newest call of the pod with most waiting calls, in the
//   namespace with most of them → refused; or, while another pod waits for the same session, waiting without a turn.
// - refused, if the account is paused.
// A refused call rejects with STS_THROTTLED and a time to retry. The queue holds what the rate can serve in 5 s, or 100
// calls if that is more. One timer per account runs while calls wait: until the next token, the end of the pause or the
// end of the oldest wait.
import type { AssumeRoleInput } from "../../policy/decide.ts";
import { parseRoleArn } from "../../policy/role.ts";
import { PodroleError } from "../../protocol/errors.ts";
import { backoff, type Clock } from "../../runtime/clock.ts";
import { type DueTime, dueAfter, untilDueMs } from "../../runtime/due.ts";
import { createTokenBucket, type TokenBucket } from "../../runtime/token-bucket.ts";
import { createFairQueue, type FairQueue, type PodKey } from "../turns/fair-queue.ts";
import { createRetryTimes, type RetryTimes } from "./retry-times.ts";
import type { AssumeRole, SessionCredentials } from "./sts.ts";
import { createStsUsage, type TopNamespace, type WindowUsage } from "./sts-usage.ts";

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

/**
 * AssumeRole on behalf of a pod. `session`: equal for calls that STS may answer together. Rejects as AssumeRole does;
 * calls that were answered together get the same object.
 */
export type AssumeRoleFor = (input: AssumeRoleInput, pod: PodKey, session: string) => Promise<SessionCredentials>;

export interface StsLimiter {
  /** A call that is not made rejects with STS_THROTTLED and `retryAfterMs`. */
  readonly assumeRole: AssumeRoleFor;
  /** Number of calls that wait for their turn. */
  waiting(): number;
  /** Returns the namespace with the most calls in the last one to two minutes, refused ones included. */
  topNamespace(): TopNamespace | undefined;
  /** Returns the namespaces with most calls in that time, refused ones included. */
  usage(): WindowUsage;
}

const FIRST_PAUSE_MS = 1_000;
const MAX_PAUSE_MS = 30_000;
/** Short enough that a sidecar, which waits 15 s for all of its containers, still gets what STS answers afterwards. */
const MAX_STS_WAIT_MS = 5_000;
/** Room for every pod of a small cluster, even if the rate is a call per second. */
const MIN_CAPACITY = 100;
/** Times to retry are spread over this much time. */
const SPREAD_MS = 30_000;

/** A call that waits for a token. */
interface LimitedCall extends PodKey {
  readonly session: string;
  /** False once the queue has dropped it: then it waits for the turn of another pod. */
  isQueued: boolean;
  /** Milliseconds of `Clock.elapsedMs()`. */
  readonly deadline: number;
  readonly start: () => void;
  readonly refuse: () => void;
}

/** State of one calling account. */
interface LimitedAccount {
  readonly bucket: TokenBucket;
  readonly queue: FairQueue<LimitedCall>;
  /** The waiters in `queue` and those dropped from it, the oldest first. */
  readonly waiters: Set<LimitedCall>;
  /** The same waiters by session. */
  readonly waitersOf: Map<string, Set<LimitedCall>>;
  /** Calls that STS has not answered yet, by session. */
  readonly calls: Map<string, Promise<SessionCredentials>>;
  readonly retryTime: RetryTimes;
  cancelTimer: () => void;
  pausedUntil: DueTime;
  /** Number of pauses so far. */
  pauses: number;
  /** Throttled calls in a row that no pause could have prevented. */
  throttles: number;
}

/** Puts the limit and the queue in front of `assumeRole`. */
export function createStsLimiter(
  { clock, assumeRole, onLimited }: StsLimiterDeps,
  { ratePerSecond, burst }: StsLimiterOptions,
): StsLimiter {
  const accounts = new Map<string, LimitedAccount>();
  const usage = createStsUsage({ clock });
  const spacingMs = 1000 / ratePerSecond;
  const capacity = Math.max(MIN_CAPACITY, Math.ceil(MAX_STS_WAIT_MS / spacingMs));

  function accountOf({ via }: AssumeRoleInput): LimitedAccount {
    const id = (via && parseRoleArn(via)?.accountId) ?? "own";
    const account = accounts.get(id) ?? {
      bucket: createTokenBucket({ clock }, { burst, spacingMs }),
      queue: createFairQueue<LimitedCall>(capacity),
      waiters: new Set<LimitedCall>(),
      waitersOf: new Map<string, Set<LimitedCall>>(),
      calls: new Map<string, Promise<SessionCredentials>>(),
      retryTime: createRetryTimes({ clock }, { spacingMs, spreadMs: SPREAD_MS }),
      cancelTimer: () => {},
      pausedUntil: dueAfter(clock, 0),
      pauses: 0,
      throttles: 0,
    };
    accounts.set(id, account);
    return account;
  }

  /** Milliseconds until the pause ends; 0 if there is none. */
  function pauseMs({ pausedUntil }: LimitedAccount): number {
    return Math.max(0, untilDueMs(clock, pausedUntil));
  }

  /** Resolves when the call may be made or joined. */
  function waitForTurn(account: LimitedAccount, roleArn: string, pod: PodKey, session: string): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const { namespace, uid } = pod;
    const waiter: LimitedCall = {
      namespace,
      uid,
      session,
      isQueued: true,
      deadline: clock.elapsedMs() + MAX_STS_WAIT_MS,
      start: resolve,
      refuse: () => reject(refusal(account, roleArn, pod, "rate", account.bucket.waitMs())),
    };
    account.waiters.add(waiter);
    account.waitersOf.set(session, (account.waitersOf.get(session) ?? new Set()).add(waiter));
    const dropped = account.queue.push(waiter);
    if (dropped) drop(account, dropped);
    serve(account);
    return promise;
  }

  /** Refuses a call that the queue has dropped, unless another pod has a turn for the same session. */
  function drop(account: LimitedAccount, dropped: LimitedCall): void {
    dropped.isQueued = false;
    const others = account.waitersOf.get(dropped.session) ?? [];
    for (const { isQueued } of others) if (isQueued) return;
    end(account, dropped);
    dropped.refuse();
  }

  /** Removes a call that does not wait any more. */
  function end({ queue, waiters, waitersOf }: LimitedAccount, waiter: LimitedCall): void {
    waiters.delete(waiter);
    queue.delete(waiter);
    const sharing = waitersOf.get(waiter.session);
    sharing?.delete(waiter);
    if (sharing?.size === 0) waitersOf.delete(waiter.session);
  }

  /** Starts calls while there are tokens, one for each session. */
  function startNext(account: LimitedAccount): void {
    while (account.queue.size > 0 && account.bucket.take()) {
      const next = account.queue.take();
      if (!next) return;
      for (const waiter of Array.from(account.waitersOf.get(next.session) ?? [])) {
        end(account, waiter);
        waiter.start();
      }
    }
  }

  /** Starts the calls for which there are tokens, refuses those that have waited too long, and sets the timer. */
  function serve(account: LimitedAccount): void {
    const { waiters, bucket } = account;
    account.cancelTimer();
    const paused = pauseMs(account);
    if (paused === 0) startNext(account);
    const now = clock.elapsedMs();
    for (const waiter of waiters) {
      if (waiter.deadline > now) {
        const untilTokenMs = paused > 0 ? paused : bucket.waitMs();
        const delayMs = Math.ceil(Math.min(untilTokenMs, waiter.deadline - now));
        account.cancelTimer = clock.schedule(() => serve(account), delayMs);
        return;
      }
      end(account, waiter);
      waiter.refuse();
    }
  }

  function refusal(
    { retryTime }: LimitedAccount,
    roleArn: string,
    pod: PodKey,
    reason: "rate" | "pause",
    waitMs: number,
  ): PodroleError {
    const now = clock.elapsedMs();
    const retryAfterMs = retryTime(pod, now + waitMs) - now;
    onLimited(reason, retryAfterMs);
    const state =
      reason === "pause"
        ? "STS throttles this account; expected a retry after the pause"
        : `more than ${ratePerSecond} calls per second; expected at most --sts-rate`;
    return new PodroleError("STS_THROTTLED", `Cannot assume role ${roleArn}: ${state}`, { retryAfterMs });
  }

  /**
   * Starts one pause, however many calls were in flight when STS began to throttle. `pauses`: their number when the
   * throttled call began.
   */
  function pause(account: LimitedAccount, pauses: number, retryAfterMs: number): void {
    if (pauses !== account.pauses) return;
    account.pauses += 1;
    const lengthMs = Math.max(backoff(account.throttles++, FIRST_PAUSE_MS, MAX_PAUSE_MS), retryAfterMs);
    account.pausedUntil = dueAfter(clock, lengthMs);
    account.bucket.emptyFor(lengthMs);
    serve(account);
  }

  /** Makes the call of a session, or joins it if it is being made. */
  function call(account: LimitedAccount, input: AssumeRoleInput, session: string): Promise<SessionCredentials> {
    const made = account.calls.get(session) ?? make(account, input).finally(() => account.calls.delete(session));
    account.calls.set(session, made);
    return made;
  }

  async function make(account: LimitedAccount, input: AssumeRoleInput): Promise<SessionCredentials> {
    const { pauses } = account;
    try {
      const credentials = await assumeRole(input);
      if (pauses === account.pauses) account.throttles = 0;
      return credentials;
    } catch (error) {
      if (!(error instanceof PodroleError) || error.code !== "STS_THROTTLED") throw error;
      pause(account, pauses, error.retryAfterMs ?? 0);
      throw new PodroleError(error.code, error.message, { cause: error.cause, retryAfterMs: pauseMs(account) });
    }
  }

  return {
    async assumeRole(input, pod, session) {
      const account = accountOf(input);
      if (account.calls.has(session)) return call(account, input, session);
      usage.record(pod.namespace);
      const waitMs = pauseMs(account);
      if (waitMs > 0) throw refusal(account, input.roleArn, pod, "pause", waitMs);
      const isTurn = account.queue.size === 0 && account.bucket.take();
      if (!isTurn) await waitForTurn(account, input.roleArn, pod, session);
      return call(account, input, session);
    },
    waiting: () => accounts.values().reduce((sum, { queue }) => sum + queue.size, 0),
    topNamespace: () => usage.top(),
    usage: () => usage.list(),
  };
}
