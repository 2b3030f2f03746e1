// Schedules renewals, one at a time. It starts them and observes their outcome; it sees no credentials.
// States: waiting (for half of the lifetime of the stored credentials, for the back-off after a failure, or for the
// minimum interval after a request that found none) → renewing → waiting …; stopped by stop(), which also ends the
// running renewal.
// Due times are wall-clock times checked at least every 30 s, because a timer does not notice a suspended machine.
import { ERRORS, type ErrorInfo } from "../../protocol/errors.ts";
import { createChanges } from "../../runtime/changes.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { CredentialStore } from "../credential-store.ts";
import { failed, type Renewal } from "./outcome.ts";
import { dueInMs, type EndedRenewal, waitAfter } from "./times.ts";

/** The schedule of renewals. */
export interface Renewals {
  start(): void;
  /** Requests a renewal for a caller that waits: at once, or as soon as the minimum interval has passed. */
  renewNow(): void;
  /** Returns why the last renewal received no answer for the pod; undefined if it received one. */
  failure(): ErrorInfo | undefined;
  /** Returns the milliseconds until the next renewal; 0 while one is running. */
  nextInMs(): number;
  /** Calls `listener` after each renewal, once the store has its results; the returned function unsubscribes. */
  onEnd(listener: (renewal: Renewal) => void): () => void;
  /** Reports whether a renewal has exceeded its deadline by far, which only a bug in podrole can cause. */
  stuck(): boolean;
  stop(): Promise<void>;
}

/** What the schedule talks to. */
export interface RenewalsDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly store: Pick<CredentialStore, "reload" | "renewAt" | "observe" | "ready">;
  /** Runs one renewal; it ends by its own deadline, or when the signal aborts. */
  readonly run: (signal: AbortSignal) => Promise<Renewal>;
  readonly count: (outcome: Renewal["outcome"], durationMs: number) => void;
  /** Returns a number from 0 to 1; Math.random by default. */
  readonly random?: () => number;
}

const CHECK_INTERVAL_MS = 30_000;
/** A renewal has 30 s; after this many further checks it should have ended long ago. */
const STUCK_AFTER_CHECKS = 4;

/** Creates a schedule that waits for start(). Its calls never throw; a run that rejects counts as a failed renewal. */
export function createRenewals({ clock, log, store, run, count, random = Math.random }: RenewalsDeps): Renewals {
  const stopping = new AbortController();
  const ended = createChanges<Renewal>((err) => log.error({ err }, "a listener of renewals failed"));
  let inFlight: Promise<void> | undefined;
  let checks = 0;
  let last: EndedRenewal | undefined;
  let failures = 0;
  let requested = false;
  let cancel = () => {};

  const dueIn = () => dueInMs({ now: clock.now(), last, requested, renewAt: store.renewAt() });

  function check(): void {
    if (stopping.signal.aborted) return;
    store.observe();
    if (inFlight) checks++;
    else if (dueIn() <= 0) inFlight = renew();
    scheduleCheck();
  }

  function scheduleCheck(): void {
    cancel();
    if (stopping.signal.aborted) return;
    const delayMs = inFlight ? CHECK_INTERVAL_MS : Math.min(Math.max(dueIn(), 0), CHECK_INTERVAL_MS);
    cancel = clock.schedule(check, delayMs);
  }

  async function renew(): Promise<void> {
    checks = 0;
    const startedAt = clock.now();
    const renewal = await run(stopping.signal).catch((error: unknown): Renewal => {
      log.error({ err: error }, "renewal failed");
      const message = "Cannot renew credentials: podrole failed internally; the cause is in the sidecar's log";
      return failed({ code: "INTERNAL", message });
    });
    if (stopping.signal.aborted) return;
    logOutcome(log, renewal, { before: last?.renewal, failures });
    failures = renewal.outcome === "renewed" ? 0 : failures + 1;
    store.reload();
    last = { renewal, endedAt: clock.now(), waitMs: waitAfter(renewal, { failures, ready: store.ready() }, random) };
    requested = false;
    inFlight = undefined;
    count(renewal.outcome, clock.now() - startedAt);
    ended.emit(renewal);
    scheduleCheck();
  }

  return {
    start: check,
    renewNow() {
      if (inFlight || requested) return;
      requested = true;
      check();
    },
    failure: () => (last?.renewal.outcome === "failed" ? last.renewal : undefined),
    nextInMs: () => (inFlight ? 0 : Math.max(dueIn(), 0)),
    onEnd: ended.onChange,
    stuck: () => inFlight !== undefined && checks > STUCK_AFTER_CHECKS,
    async stop() {
      cancel();
      stopping.abort();
      await inFlight;
    },
  };
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
