// podrole-init, in classic mode: creates the containers' tokens, then waits until every container has credentials, so
// that no app starts without them. One permanently refused container fails the whole init, with a message that `kubectl
// describe pod` shows. Retryable errors are retried until the time limit; permanent ones end the init at once.
import { type ErrorInfo, toPodroleError } from "../protocol/errors.ts";
import { type Clock, sleep } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import { readGrants } from "./files/grants-file.ts";
import { createPaceStore } from "./files/pace-file.ts";
import { writeTerminationMessage } from "./files/termination-message.ts";
import { prepareTokens } from "./files/token-files.ts";
import { isComplete, renewAt } from "./grants.ts";
import { type ContainerRefusal, failedStart, permanentRefusal } from "./permanent-refusal.ts";
import type { Renewal } from "./renewal/outcome.ts";
import { createPace } from "./renewal/pace.ts";
import { renew } from "./renewal/renew.ts";
import type { SidecarSettings } from "./settings.ts";
import { startWaitingLog } from "./waiting-log.ts";

/** What init talks to. */
export interface InitDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** Aborts when the container is stopped. */
  readonly signal: AbortSignal;
  /** Returns a number from 0 to 1; Math.random by default. */
  readonly random?: () => number;
}

/** Runs init; resolves with the exit code: 0 once every container has credentials. Never rejects. */
export async function runInit(deps: InitDeps, settings: SidecarSettings): Promise<0 | 1> {
  const { log } = deps;
  const problem = await prepareFiles(deps, settings);
  if (problem === undefined) {
    log.info({ containers: settings.containers }, "every container has credentials");
    return 0;
  }
  writeTerminationMessage(log, settings, problem);
  return 1;
}

async function prepareFiles(deps: InitDeps, settings: SidecarSettings): Promise<ErrorInfo | undefined> {
  try {
    prepareTokens(settings.tokensDirectory, settings.containers);
    return await waitForCredentials(deps, settings);
  } catch (error) {
    deps.log.error({ err: error }, "init failed");
    return toPodroleError(error);
  }
}

/** Returns undefined once every container has credentials, otherwise the reason why not. */
async function waitForCredentials(deps: InitDeps, settings: SidecarSettings): Promise<ErrorInfo | undefined> {
  const { clock, log, signal, random = Math.random } = deps;
  const pace = createPace({ clock, random, store: createPaceStore(settings.identityDirectory) });
  const startedAt = clock.elapsedMs();
  const finished = new AbortController();
  const waiting = startWaitingLog({ clock, log, signal: finished.signal }, settings);
  try {
    for (;;) {
      pace.begin();
      const renewal = await attemptOnce(deps, settings);
      const waits = pace.end(renewal, { isReady: false });
      if (renewal.outcome === "renewed" || waits === undefined) return undefined;
      const refusal = permanentRefusal(renewal, storedRefusals(settings));
      if (refusal) return refusal;
      if (waiting.refused(renewal)) waiting.warn();
      const leftMs = settings.initTimeout - (clock.elapsedMs() - startedAt);
      if (leftMs > 0) await sleep(clock, Math.min(waits.urgentMs, leftMs), signal);
      if (signal.aborted) return failedStart(renewal, "stopped while waiting for credentials", settings);
      const timeout = `no credentials after ${Math.round(settings.initTimeout / 1000)} s`;
      if (leftMs <= 0) return failedStart(renewal, timeout, settings);
    }
  } finally {
    finished.abort();
  }
}

/**
 * Renews once, unless stored credentials make that unnecessary: a repeated init needs no server while they are valid.
 */
async function attemptOnce(deps: InitDeps, settings: SidecarSettings): Promise<Renewal> {
  const { clock } = deps;
  const { identityDirectory, containers } = settings;
  if (renewAt(readGrants(identityDirectory), containers, clock.now()) > clock.now()) return { outcome: "renewed" };
  const renewal = await renew(deps, settings);
  if (renewal.outcome === "renewed") return renewal;
  return isComplete(readGrants(identityDirectory), containers, clock.now()) ? { outcome: "renewed" } : renewal;
}

function storedRefusals({ identityDirectory, containers }: SidecarSettings): readonly ContainerRefusal[] {
  const stored = readGrants(identityDirectory)?.containers ?? [];
  return stored.filter(({ container }) => containers.includes(container));
}
