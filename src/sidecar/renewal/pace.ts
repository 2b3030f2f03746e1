// How soon a renewal may follow one that did not succeed: an outage of the server or of STS must not make each pod
// renew without end, and its end should be noticed soon. Requests of apps never shorten these times, except that one
// after a permanent refusal shortens a minute to 10 s.
// States: well → failing (the first failure) → lasting (after a minute) → well (a success).
// - failing: every 2 to 3 s, after a first, shorter wait.
// - lasting: each renewal takes a token of a bucket of 20 that gains one every 36 s; while it has tokens, every 2 to
//   3 s. So in no hour there are more than 120 renewals, and between two of them there are at most 38 s.
// An overloaded server has to refuse whoever retries too early, which costs it what it lacks: the time after which it
// may be called again doubles with each failure, up to 16 s (±50 %).
// A pod whose credentials are all valid does not hurry: its waits double from 1 s to a minute.
// Times count on both clocks (due.ts), so that a step of the wall clock prolongs no wait.
// The state survives restarts of the container, which happen while a pod waits for its first credentials.
import { backoff, type Clock, jitter } from "../../runtime/clock.ts";
import { type DueTime, dueAfter, passedMs, untilDueMs } from "../../runtime/due.ts";
import type { PaceState, PaceStore } from "../files/pace-file.ts";
import { isPermanent, type Renewal } from "./outcome.ts";

/** How long to wait after a renewal that did not succeed, in milliseconds. */
export interface RetryWaits {
  /** While all stored credentials are valid. */
  readonly unhurriedMs: number;
  /** While some are missing. */
  readonly urgentMs: number;
  /** If an app requests credentials that are missing. */
  readonly requestedMs: number;
  /** While the server cannot be reached at all, so that a renewal is of no use. */
  readonly awayMs: number;
}

/** The pace of one pod's renewals. */
export interface Pace {
  /** Records that a renewal begins. */
  begin(): void;
  /** Records that a renewal has ended. `isReady`: the pod has received credentials. Undefined after a success. */
  end(renewal: Renewal, options: { readonly isReady: boolean }): RetryWaits | undefined;
  /** Returns the number of renewals that failed since the last success. */
  failures(): number;
}

/** What the pace depends on. `random` returns a number from 0 to 1. */
export interface PaceDeps {
  readonly clock: Clock;
  readonly random: () => number;
  readonly store?: PaceStore | undefined;
}

/** Varied by ±20 %: 2 to 3 s. */
const MAX_QUICK_WAIT_MS = 2_500;
/** The first wait, which doubles up to {@link MAX_QUICK_WAIT_MS}. */
const FIRST_WAIT_MS = 1_000;
/** The first wait of a pod that has never had credentials: shorter, because such a pod does no work at all. */
const FIRST_POD_START_WAIT_MS = 250;
/** From the first failure on; most outages are a rollout or a restart of the server. */
const UNLIMITED_MS = 60_000;
/** Together at most 120 renewals in an hour. */
const MAX_TOKENS = 20;
const TOKEN_INTERVAL_MS = 36_000;
/** Pods whose outage began in the same moment spread by up to this fraction of a wait. */
const SPREAD_FRACTION = 0.05;
const MAX_UNHURRIED_WAIT_MS = 60_000;
/**
 * Twice what a server asks for: half a minute, and another one over which it spreads callers. More follows from a
 * fault.
 */
const MAX_SERVER_RETRY_AFTER_MS = 120_000;
/** Varied by ±50 %. Short enough for the last of many pods to notice soon that there is room. */
const MAX_OVERLOAD_WAIT_MS = 16_000;
/**
 * After a permanent refusal, for a caller that waits: an operator who has just corrected the cause does not wait long.
 */
const REQUESTED_PERMANENT_WAIT_MS = 10_000;

/** An outage: since when, how many renewals failed, and when the bucket is full. */
interface Outage {
  readonly since: DueTime;
  readonly failures: number;
  readonly fullAt: DueTime;
}

/** Creates the pace, in the state that the store has. */
export function createPace({ clock, random, store }: PaceDeps): Pace {
  const stored = store?.load();
  let outage = stored && resume(clock, stored);

  const isFree = () => outage === undefined || passedMs(clock, outage.since) < UNLIMITED_MS;
  const untilFullMs = () => (outage === undefined ? 0 : Math.max(untilDueMs(clock, outage.fullAt), 0));
  const spread = (ms: number) => ms * (1 + SPREAD_FRACTION * random());

  function save({ since, failures }: Outage): void {
    const now = clock.now();
    store?.save({ failingSince: now - passedMs(clock, since), failures, fullAt: now + untilFullMs() });
  }

  function urgentWait(failures: number, first: number): number {
    const quickMs = jitter(Math.min(MAX_QUICK_WAIT_MS, first * 2 ** Math.min(failures - 1, 10)), 0.2, random);
    const untilTokenMs = isFree() ? 0 : Math.max(0, untilFullMs() - (MAX_TOKENS - 1) * TOKEN_INTERVAL_MS);
    return Math.max(quickMs, spread(untilTokenMs));
  }

  function serverWait({ code, retryAfterMs }: Exclude<Renewal, { outcome: "renewed" }>, failures: number): number {
    const waitMs = Math.min(retryAfterMs, MAX_SERVER_RETRY_AFTER_MS);
    if (code !== "SERVER_OVERLOADED") return waitMs;
    return Math.min(waitMs * 2 ** Math.min(failures - 1, 10), jitter(MAX_OVERLOAD_WAIT_MS, 0.5, random));
  }

  return {
    begin() {
      if (outage !== undefined && !isFree())
        outage = { ...outage, fullAt: dueAfter(clock, untilFullMs() + TOKEN_INTERVAL_MS) };
    },
    end(renewal, { isReady }) {
      if (renewal.outcome === "renewed") {
        if (outage !== undefined) store?.save(undefined);
        outage = undefined;
        return undefined;
      }
      const failures = (outage?.failures ?? 0) + 1;
      outage = { since: outage?.since ?? dueAfter(clock, 0), failures, fullAt: dueAfter(clock, untilFullMs()) };
      save(outage);
      const retryAfterMs = serverWait(renewal, failures);
      const urgentMs = Math.max(urgentWait(failures, isReady ? FIRST_WAIT_MS : FIRST_POD_START_WAIT_MS), retryAfterMs);
      if (isReady && isPermanent(renewal)) {
        const waitMs = Math.max(jitter(MAX_UNHURRIED_WAIT_MS, 0.2, random), retryAfterMs);
        const requestedMs = Math.max(urgentMs, REQUESTED_PERMANENT_WAIT_MS);
        return { unhurriedMs: waitMs, urgentMs: waitMs, requestedMs, awayMs: waitMs };
      }
      const unhurriedMs = Math.max(backoff(failures - 1, FIRST_WAIT_MS, MAX_UNHURRIED_WAIT_MS, random), retryAfterMs);
      return {
        unhurriedMs,
        urgentMs,
        requestedMs: urgentMs,
        awayMs: Math.max(spread(TOKEN_INTERVAL_MS), retryAfterMs),
      };
    },
    failures: () => outage?.failures ?? 0,
  };
}

/** A wall clock that was set back meanwhile does not show how long the outage has lasted: it then begins now. */
function resume(clock: Clock, { failingSince, failures, fullAt }: PaceState): Outage {
  const now = clock.now();
  const begin = Math.min(failingSince, now);
  const untilFullMs = Math.min(Math.max(fullAt - failingSince + begin - now, 0), MAX_TOKENS * TOKEN_INTERVAL_MS);
  return { since: dueAfter(clock, begin - now), failures, fullAt: dueAfter(clock, untilFullMs) };
}
