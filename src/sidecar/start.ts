// The start of a pod as podrole-sidecar sees it: no app runs yet, because the postStart hook waits for credentials
// first.
// States: waiting → ready, or refused by an error that no retry can lift. Ready is a terminal state that survives
// container restarts: later refusals never stop the sidecar of a running app. Ended by stop(), which serve.ts calls.
import { ERRORS, type ErrorInfo } from "../protocol/errors.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import type { CredentialStore } from "./credential-store.ts";
import { failedStart, permanentRefusal } from "./permanent-refusal.ts";
import type { Renewal } from "./renewal/outcome.ts";
import type { Renewals } from "./renewal/schedule.ts";
import type { SidecarSettings } from "./settings.ts";

/** The pod's start. */
export interface Start {
  /** Resolves with the first permanent refusal; stays pending once the pod has been ready. */
  readonly refused: Promise<ErrorInfo>;
  /** Returns why the pod would not have started if it ended now; undefined once it has been ready. */
  waitingFor(): ErrorInfo | undefined;
  stop(): void;
}

/** What the pod's start observes. */
export interface StartDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly store: Pick<CredentialStore, "ready" | "refusal">;
  readonly renewals: Pick<Renewals, "onEnd">;
}

const PROGRESS_INTERVAL_MS = 10_000;

/**
 * Observes renewals until the pod is ready or permanently refused, and logs the latest refusal every 10 s meanwhile.
 */
export function createStart(
  { clock, log, store, renewals }: StartDeps,
  settings: Pick<SidecarSettings, "containers" | "podName" | "podNamespace">,
): Start {
  const refused = Promise.withResolvers<ErrorInfo>();
  const startedAt = clock.now();
  let last: ErrorInfo | undefined;
  let cancel = () => {};
  const unsubscribe = renewals.onEnd(onRenewal);
  logProgress();

  function logProgress(): void {
    if (store.ready()) return stop();
    if (last) {
      const waitedSeconds = Math.round((clock.now() - startedAt) / 1000);
      const { code, message: reason } = last;
      log.info({ waitedSeconds, code, reason, remedy: ERRORS[code].remedy }, "waiting for credentials");
    }
    cancel = clock.schedule(logProgress, PROGRESS_INTERVAL_MS);
  }

  function onRenewal(renewal: Renewal): void {
    if (store.ready()) return stop();
    if (renewal.outcome === "renewed") return;
    last = renewal;
    const containers = settings.containers.map((container, index) => ({ container, refusal: store.refusal(index) }));
    const refusal = permanentRefusal(renewal, containers);
    if (refusal === undefined) return;
    stop();
    refused.resolve(refusal);
  }

  function stop(): void {
    cancel();
    unsubscribe();
  }

  return {
    refused: refused.promise,
    waitingFor: () =>
      store.ready() ? undefined : failedStart(last, "stopped while waiting for credentials", settings),
    stop,
  };
}
