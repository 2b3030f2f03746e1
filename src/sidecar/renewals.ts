// When to renew, and that only one renewal runs. It starts renewals and hears how they end; it sees no credentials.
// States: waiting (for the half life of what is kept, for the back-off after a failure, or for the floor after a request
// that found nothing) → renewing → waiting …; stopped by stop(), which also ends the renewal in flight.
// Due times are wall-clock times looked at every 30 s at least, because a timer does not notice a suspended machine.
import { ERRORS, type Refusal } from "../protocol/errors.ts";
import { createChanges } from "../runtime/changes.ts";
import { backoff, type Clock, jitter } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import type { Keeper } from "./keeper.ts";
import { failed, isPermanent, type Renewal } from "./renewal.ts";

export interface Renewals {
  start(): void;
  /** Somebody waits for credentials: renew now, or as soon as the floor between two attempts allows. */
  hurry(): void;
  /** Why the last renewal did not reach an answer for the pod; undefined when it did. */
  failure(): Refusal | undefined;
  /** Milliseconds until the next attempt; 0 while one is running. */
  nextInMs(): number;
  /** Calls back after each renewal, when what it brought is in the keeper; the returned function ends that. */
  onEnd(listener: (renewal: Renewal) => void): () => void;
  /** True when a renewal has outlived its deadline by far: only a fault of ours can do that. */
  stuck(): boolean;
  stop(): Promise<void>;
}

export interface RenewalsDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly keeper: Pick<Keeper, "reload" | "renewAt" | "observe" | "ready">;
  /** One renewal; it ends by its own deadline, or when the signal aborts. */
  readonly run: (signal: AbortSignal) => Promise<Renewal>;
  readonly count: (outcome: Renewal["outcome"], durationMs: number) => void;
  readonly random?: () => number;
}

const LOOK_EVERY_MS = 30_000;
const BACKOFF_FROM_MS = 1_000;
const BACKOFF_TO_MS = 60_000;
/** Before the pod has ever had credentials: while it waits, it does no work at all. */
const START_BACKOFF_FROM_MS = 250;
const START_BACKOFF_TO_MS = 10_000;
/** Between attempts that requests ask for: short enough to bridge an SDK's retries, long enough for a slow node. */
const FLOOR_MS = 1_000;
/** The same after a refusal that only a person can lift: soon enough for the person who just did. */
const PERMANENT_FLOOR_MS = 10_000;
/** A renewal has 30 s; four looks later it should long be over. */
const STUCK_AFTER_LOOKS = 4;

export function createRenewals({ clock, log, keeper, run, count, random = Math.random }: RenewalsDeps): Renewals {
  const stopping = new AbortController();
  const ends = createChanges<Renewal>((err) => log.error({ err }, "a listener of renewals failed"));
  let inFlight: Promise<void> | undefined;
  let looks = 0;
  let last: { readonly renewal: Renewal; readonly endedAt: number; readonly waitMs: number } | undefined;
  let failures = 0;
  let hurried = false;
  let cancel = () => {};

  function dueInMs(): number {
    const now = clock.now();
    if (last === undefined) return keeper.renewAt() - now;
    const { renewal, endedAt, waitMs } = last;
    // Wall clocks are set back now and then: then nobody knows how long we have waited, and enough is assumed.
    const waited = now < endedAt ? Number.POSITIVE_INFINITY : now - endedAt;
    if (hurried) return floorAfter(renewal) - waited;
    if (renewal.outcome !== "renewed") return waitMs - waited;
    return Math.max(keeper.renewAt() - now, FLOOR_MS - waited);
  }

  function look(): void {
    if (stopping.signal.aborted) return;
    keeper.observe();
    if (inFlight) looks++;
    else if (dueInMs() <= 0) inFlight = renew();
    arm();
  }

  function arm(): void {
    cancel();
    if (stopping.signal.aborted) return;
    cancel = clock.schedule(look, inFlight ? LOOK_EVERY_MS : Math.min(Math.max(dueInMs(), 0), LOOK_EVERY_MS));
  }

  async function renew(): Promise<void> {
    looks = 0;
    const startedAt = clock.now();
    const renewal = await run(stopping.signal).catch((error: unknown): Renewal => {
      log.error({ err: error }, "renewal failed");
      return failed({ code: "INTERNAL", message: "Cannot renew credentials: podrole failed, its log has the cause" });
    });
    if (stopping.signal.aborted) return;
    report(renewal);
    failures = renewal.outcome === "renewed" ? 0 : failures + 1;
    keeper.reload();
    last = { renewal, endedAt: clock.now(), waitMs: waitAfter(renewal) };
    hurried = false;
    inFlight = undefined;
    count(renewal.outcome, clock.now() - startedAt);
    ends.emit(renewal);
    arm();
  }

  function waitAfter(renewal: Renewal): number {
    if (renewal.outcome === "renewed") return 0;
    return Math.max(ownWaitAfter(renewal), renewal.retryAfterMs);
  }

  function ownWaitAfter(renewal: Renewal): number {
    if (!keeper.ready()) return backoff(failures - 1, START_BACKOFF_FROM_MS, START_BACKOFF_TO_MS, random);
    if ("code" in renewal && isPermanent(renewal)) return jitter(BACKOFF_TO_MS, 0.2, random);
    return backoff(failures - 1, BACKOFF_FROM_MS, BACKOFF_TO_MS, random);
  }

  function floorAfter(renewal: Renewal): number {
    if (renewal.outcome === "renewed") return FLOOR_MS;
    return Math.max(isPermanent(renewal) ? PERMANENT_FLOOR_MS : FLOOR_MS, renewal.retryAfterMs);
  }

  /** Once for each change; what a refusal means for a container is the keeper's to tell. */
  function report(renewal: Renewal): void {
    const before = last?.renewal;
    if (renewal.outcome === "renewed") {
      if (before && before.outcome !== "renewed") log.info({ failures }, "renewal works again");
      else log.debug("renewed");
      return;
    }
    const { code, message: reason, outcome } = renewal;
    const changed = before === undefined || before.outcome === "renewed" || before.code !== code;
    const facts = { outcome, code, reason, failures: failures + 1 };
    if (changed) log.warn({ ...facts, remedy: ERRORS[code].remedy }, "renewal did not succeed");
    else log.debug(facts, "renewal did not succeed");
  }

  return {
    start: look,
    hurry() {
      if (inFlight || hurried) return;
      hurried = true;
      look();
    },
    failure: () => (last?.renewal.outcome === "failed" ? last.renewal : undefined),
    nextInMs: () => (inFlight ? 0 : Math.max(dueInMs(), 0)),
    onEnd: ends.onChange,
    stuck: () => inFlight !== undefined && looks > STUCK_AFTER_LOOKS,
    async stop() {
      cancel();
      stopping.abort();
      await inFlight;
    },
  };
}
