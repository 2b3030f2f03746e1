// Schedules renewals, one at a time. It starts them and observes their outcome; it sees no credentials.
// States: waiting (for half of the lifetime of the stored credentials, or as pace.ts says after a failure) → renewing →
// waiting …; stopped by stop(), which also ends the running renewal. While credentials are missing and the server
// cannot be reached: away (a TCP connection is tried every 2 to 3 s, which costs neither a process nor TLS) → waiting,
// when one opens. What is due is due by wall clock or by elapsed time (due.ts), and is checked at least every 30 s,
// because a timer does not notice a suspended machine.
import { ERRORS, type ErrorInfo } from "../../protocol/errors.ts";
import { createChanges } from "../../runtime/changes.ts";
import { type Clock, jitter, repeat } from "../../runtime/clock.ts";
import { type DueTime, dueAfter, passedMs, untilDueMs } from "../../runtime/due.ts";
import type { Log } from "../../runtime/log.ts";
import { MAX_CHECK_INTERVAL_MS, scheduleCheck } from "../../runtime/next-check.ts";
import type { CredentialStore } from "../credential-store.ts";
import type { PaceStore } from "../files/pace-file.ts";
import { dueInMs, type EndedRenewal } from "./next-renewal.ts";
import { failedRenewal, type Renewal } from "./outcome.ts";
import { createPace } from "./pace.ts";

/** The schedule of renewals. */
export interface Renewals {
  start(): void;
  /** Requests a renewal for a caller that waits: at once, or as soon as the wait after a failure has passed. */
  renewNow(): void;
  /** Returns why the last renewal received no answer for the pod; undefined if it received one. */
  failure(): ErrorInfo | undefined;
  /** Returns the milliseconds until the next renewal or the next look for the server; 0 while a renewal is running. */
  nextInMs(): number;
  /** Calls `listener` after each renewal, once the store has its results; the returned function unsubscribes. */
  onEnd(listener: (renewal: Renewal) => void): () => void;
  /** Reports whether a renewal has exceeded its deadline by far, which only a bug in podrole can cause. */
  isStuck(): boolean;
  stop(): Promise<void>;
}

/** What the schedule talks to. */
export interface RenewalsDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly store: Pick<CredentialStore, "reload" | "renewAt" | "observe" | "isReady">;
  /** Runs one renewal; it ends by its own deadline, or when the signal aborts. */
  readonly run: (signal: AbortSignal) => Promise<Renewal>;
  readonly count: (outcome: Renewal["outcome"], durationMs: number) => void;
  /** Reports whether a TCP connection to the server can be opened; must not reject. */
  readonly canReachServer?: () => Promise<boolean>;
  /** Where the pace of retries survives a restart. */
  readonly paceStore?: PaceStore;
  /** Returns a number from 0 to 1; Math.random by default. */
  readonly random?: () => number;
}

/** Varied by ±20 %, which also spreads the renewals of many pods when their server returns. */
const LOOK_INTERVAL_MS = 2_500;
/** A renewal has 30 s; after this many further checks it should have ended long ago. */
const STUCK_AFTER_CHECKS = 4;

/** Creates a schedule that waits for start(). Its calls never throw; a run that rejects counts as a failed renewal. */
export function createRenewals(deps: RenewalsDeps): Renewals {
  const { clock, log, store, run, count, canReachServer, paceStore, random = Math.random } = deps;
  const stopping = new AbortController();
  const pace = createPace({ clock, random, store: paceStore });
  const ended = createChanges<Renewal>((err) => log.error({ err }, "a listener of renewals failed"));
  let inFlight: Promise<void> | undefined;
  let checks = 0;
  let last: (EndedRenewal & { readonly end: DueTime }) | undefined;
  let isRequested = false;
  let cancel = () => {};
  /** Aborted unless the server is being looked for. */
  let away = AbortSignal.abort();
  let nextLook = dueAfter(clock, 0);
  let found = () => {};

  function dueIn(): number {
    const now = clock.now();
    const ended = last && { ...last, endedAt: now - passedMs(clock, last.end) };
    return dueInMs({ now, last: ended, isRequested, isAway: !away.aborted, renewAt: store.renewAt() });
  }

  function check(): void {
    if (stopping.signal.aborted) return;
    store.observe();
    if (inFlight) checks++;
    else if (dueIn() <= 0) inFlight = renew();
    scheduleNext();
  }

  function scheduleNext(): void {
    cancel();
    if (stopping.signal.aborted) return;
    cancel = inFlight ? clock.schedule(check, MAX_CHECK_INTERVAL_MS) : scheduleCheck(clock, check, dueIn());
  }

  /** Until a connection opens or the next renewal begins. */
  function lookForServer(isReachable: () => Promise<boolean>, firstWaitMs: number): void {
    const ending = new AbortController();
    away = AbortSignal.any([ending.signal, stopping.signal]);
    found = () => ending.abort();
    nextLook = dueAfter(clock, firstWaitMs);
    async function look(): Promise<number> {
      if (!(await isReachable())) {
        const waitMs = jitter(LOOK_INTERVAL_MS, 0.2, random);
        nextLook = dueAfter(clock, waitMs);
        return waitMs;
      }
      if (!ending.signal.aborted) {
        ending.abort();
        check();
      }
      return 0;
    }
    void repeat({ clock, signal: away }, look, firstWaitMs);
  }

  async function renew(): Promise<void> {
    found();
    checks = 0;
    pace.begin();
    const startedAt = clock.elapsedMs();
    const ran = await run(stopping.signal).catch((error: unknown): Renewal => {
      log.error({ err: error }, "renewal failed");
      const message = "Cannot renew credentials: podrole failed internally; the cause is in the sidecar's log";
      return failedRenewal({ code: "INTERNAL", message });
    });
    if (stopping.signal.aborted) return;
    store.reload();
    const renewal = ran.outcome === "renewed" && store.renewAt() === 0 ? failedRenewal(UNREADABLE_CREDENTIALS) : ran;
    logOutcome(log, renewal, { before: last?.renewal, failures: pace.failures() });
    const waits = pace.end(renewal, { isReady: store.isReady() });
    last = { renewal, endedAt: clock.now(), end: dueAfter(clock, 0), waits };
    isRequested = false;
    inFlight = undefined;
    count(renewal.outcome, clock.elapsedMs() - startedAt);
    if (waits && canReachServer && store.renewAt() === 0 && isUnreachable(renewal)) {
      lookForServer(canReachServer, waits.urgentMs);
    }
    ended.emit(renewal);
    scheduleNext();
  }

  return {
    start: check,
    renewNow() {
      if (inFlight || isRequested) return;
      isRequested = true;
      check();
    },
    failure: () => (last?.renewal.outcome === "failed" ? last.renewal : undefined),
    nextInMs() {
      if (inFlight) return 0;
      const dueMs = dueIn();
      return Math.max(away.aborted ? dueMs : Math.min(dueMs, untilDueMs(clock, nextLook)), 0);
    },
    onEnd: ended.onChange,
    isStuck: () => inFlight !== undefined && checks > STUCK_AFTER_CHECKS,
    async stop() {
      cancel();
      stopping.abort();
      await inFlight;
    },
  };
}

const UNREADABLE_CREDENTIALS: ErrorInfo = {
  code: "INTERNAL",
  message: "Cannot use the renewed credentials: podrole-sidecar cannot read them; the cause is in its log",
};

function isUnreachable(renewal: Renewal): boolean {
  return renewal.outcome !== "renewed" && renewal.code === "SERVER_UNREACHABLE";
}

/**
 * Logs once per change; the store reports what a refusal means for each container. `before` is the renewal before, and
 * `failures` counts consecutive ones up to it.
 */
function logOutcome(
  log: Log,
  renewal: Renewal,
  { before, failures }: { readonly before: Renewal | undefined; readonly failures: number },
): void {
  if (renewal.outcome === "renewed") {
    if (before && before.outcome !== "renewed") log.info({ failures }, "renewal works again");
    else log.debug("renewed");
    return;
  }
  const { code, message: reason, outcome } = renewal;
  const hasChanged = before === undefined || before.outcome === "renewed" || before.code !== code;
  const facts = { outcome, code, reason, failures: failures + 1 };
  if (hasChanged) log.warn({ ...facts, remedy: ERRORS[code].remedy }, "renewal did not succeed");
  else log.debug(facts, "renewal did not succeed");
}
