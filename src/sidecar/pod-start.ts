// The start of a pod as podrole-sidecar sees it: no app runs yet, because the postStart hook waits for credentials
// first.
// States: waiting → ready, or refused by an error that no retry can lift. Ready is a terminal state that survives
// container restarts: later refusals never stop the sidecar of a running app. Ended by stop(), which serve.ts calls.
import type { ErrorInfo } from "../protocol/errors.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import type { CredentialStore } from "./credential-store.ts";
import { failedStart, permanentRefusal } from "./permanent-refusal.ts";
import type { Renewal } from "./renewal/outcome.ts";
import type { Renewals } from "./renewal/renewals.ts";
import type { SidecarSettings } from "./settings.ts";
import { startWaitingLog } from "./waiting-log.ts";

/** The pod's start. */
export interface PodStart {
  /** Resolves with the first permanent refusal; stays pending once the pod has been ready. */
  readonly refused: Promise<ErrorInfo>;
  /** Returns why the pod would not have started if it ended now; undefined once it has been ready. */
  waitingFor(): ErrorInfo | undefined;
  stop(): void;
}

/** What the pod's start observes. */
export interface PodStartDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly store: Pick<CredentialStore, "isReady" | "refusal">;
  readonly renewals: Pick<Renewals, "onEnd">;
}

/**
 * Observes renewals until the pod is ready or permanently refused, and logs the latest refusal every 10 s meanwhile.
 */
export function watchPodStart(
  { clock, log, store, renewals }: PodStartDeps,
  settings: Pick<SidecarSettings, "containers" | "podName" | "podNamespace" | "serverAddress">,
): PodStart {
  const refused = Promise.withResolvers<ErrorInfo>();
  const finished = new AbortController();
  const waiting = startWaitingLog({ clock, log, signal: finished.signal }, settings);
  const unsubscribe = renewals.onEnd(onRenewal);
  if (store.isReady()) stop();

  function onRenewal(renewal: Renewal): void {
    if (store.isReady()) return stop();
    if (renewal.outcome === "renewed") return;
    waiting.refused(renewal);
    const containers = settings.containers.map((container, index) => ({ container, refusal: store.refusal(index) }));
    const refusal = permanentRefusal(renewal, containers);
    if (refusal === undefined) return;
    stop();
    refused.resolve(refusal);
  }

  function stop(): void {
    finished.abort();
    unsubscribe();
  }

  return {
    refused: refused.promise,
    waitingFor: () =>
      store.isReady() ? undefined : failedStart(waiting.latest(), "stopped while waiting for credentials", settings),
    stop,
  };
}
