// The log of a pod that waits for its first credentials, in the two modes that delay the app: podrole-init, and
// podrole-sidecar until its first readiness.
import { ERRORS, type ErrorInfo } from "../protocol/errors.ts";
import { type Clock, repeat } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import type { SidecarSettings } from "./settings.ts";

/** What the log needs; `signal` aborts when the wait is over. */
export interface WaitingLogDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** The latest refusal of a waiting pod. */
export interface WaitingLog {
  /** Undefined until the first one. */
  latest(): ErrorInfo | undefined;
  /** Sets it for the next line; true if its code differs from that of the one before. */
  refused(refusal: ErrorInfo): boolean;
  /** Logs the wait as a warning, besides the regular lines. */
  warn(): void;
}

const PROGRESS_INTERVAL_MS = 10_000;
const WAITING_MESSAGE = "waiting for credentials";

/** Logs every 10 s how long the pod has waited, and its latest refusal. */
export function startWaitingLog(
  { clock, log, signal }: WaitingLogDeps,
  { serverAddress }: Pick<SidecarSettings, "serverAddress">,
): WaitingLog {
  const startedAt = clock.elapsedMs();
  let latest: ErrorInfo | undefined;

  function fields() {
    const waitedSeconds = Math.round((clock.elapsedMs() - startedAt) / 1000);
    const refusal = latest && { code: latest.code, reason: latest.message, remedy: ERRORS[latest.code].remedy };
    return { waitedSeconds, ...refusal, server: serverAddress };
  }
  function logProgress(): number {
    log.info(fields(), WAITING_MESSAGE);
    return PROGRESS_INTERVAL_MS;
  }
  void repeat({ clock, signal }, logProgress, PROGRESS_INTERVAL_MS);

  return {
    latest: () => latest,
    refused(refusal) {
      const isNew = latest?.code !== refusal.code;
      latest = refusal;
      return isNew;
    },
    warn: () => log.warn(fields(), WAITING_MESSAGE),
  };
}
