// podrole-init, in classic mode: makes the containers' tokens, then waits until every container has credentials, so that
// no app starts without them. All or nothing: one container that can never have its role fails the whole, in words that
// `kubectl describe pod` shows. It waits for whatever may pass, and gives up at once on what only a person can change.
import { ERRORS, type Refusal, toPodroleError } from "../protocol/errors.ts";
import { backoff, type Clock, sleep } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import { isComplete, renewAt } from "./grants.ts";
import { readGrants } from "./files/grants-file.ts";
import { gaveUp, type LastWord, lastingRefusal } from "./lasting.ts";
import type { Renewal } from "./renewal.ts";
import { renew } from "./renew.ts";
import type { SidecarSettings } from "./settings.ts";
import { tellWhy } from "./termination.ts";
import { ensureTokens } from "./files/tokens.ts";

export interface InitDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** Aborts when the container is told to end. */
  readonly signal: AbortSignal;
  readonly random?: () => number;
}

const BACKOFF_FROM_MS = 500;
/** Shorter than the sidecar's: a pod that waits here does no work at all. */
const BACKOFF_TO_MS = 10_000;
const PROGRESS_EVERY_MS = 10_000;

/** Resolves with the exit code: 0 when every container has credentials. */
export async function runInit(deps: InitDeps, settings: SidecarSettings): Promise<0 | 1> {
  const { log } = deps;
  const problem = await prepare(deps, settings);
  if (problem === undefined) {
    log.info({ containers: settings.containers }, "every container has credentials");
    return 0;
  }
  tellWhy(log, settings, problem);
  return 1;
}

async function prepare(deps: InitDeps, settings: SidecarSettings): Promise<Refusal | undefined> {
  try {
    ensureTokens(settings.tokensDirectory, settings.containers);
    return await waitForCredentials(deps, settings);
  } catch (error) {
    deps.log.error({ err: error }, "init failed");
    return toPodroleError(error);
  }
}

/** Undefined when all have credentials, otherwise why not. */
async function waitForCredentials(deps: InitDeps, settings: SidecarSettings): Promise<Refusal | undefined> {
  const { clock, log, signal, random } = deps;
  const startedAt = clock.now();
  let last: Refusal | undefined;
  const stopProgress = every(clock, PROGRESS_EVERY_MS, () => log.info(facts(), "waiting for credentials"));

  function facts() {
    const waitedSeconds = Math.round((clock.now() - startedAt) / 1000);
    return { waitedSeconds, code: last?.code, reason: last?.message, server: settings.serverAddress };
  }

  try {
    for (let attempt = 0; ; attempt++) {
      const renewal = await attemptOnce(deps, settings);
      if (renewal.outcome === "renewed") return undefined;
      const lasting = lastingRefusal(renewal, lastWords(settings));
      if (lasting) return lasting;
      if (last?.code !== renewal.code) {
        last = renewal;
        log.warn({ ...facts(), remedy: ERRORS[renewal.code].remedy }, "waiting for credentials");
      }
      const leftMs = settings.initTimeout - (clock.now() - startedAt);
      const waitMs = Math.max(backoff(attempt, BACKOFF_FROM_MS, BACKOFF_TO_MS, random), renewal.retryAfterMs);
      if (leftMs > 0) await sleep(clock, Math.min(waitMs, leftMs), signal);
      if (signal.aborted) return gaveUp(renewal, "stopped while waiting", settings);
      if (leftMs <= 0) return gaveUp(renewal, `waited ${Math.round(settings.initTimeout / 1000)} s`, settings);
    }
  } finally {
    stopProgress();
  }
}

/** An init that runs again in a pod whose credentials are young needs no server; neither does one whose are valid. */
async function attemptOnce(deps: InitDeps, settings: SidecarSettings): Promise<Renewal> {
  const { clock } = deps;
  const { identityDirectory, containers } = settings;
  if (renewAt(readGrants(identityDirectory), containers, clock.now()) > clock.now()) return { outcome: "renewed" };
  const renewal = await renew(deps, settings);
  if (renewal.outcome === "renewed") return renewal;
  return isComplete(readGrants(identityDirectory), containers, clock.now()) ? { outcome: "renewed" } : renewal;
}

function lastWords({ identityDirectory, containers }: SidecarSettings): readonly LastWord[] {
  const told = readGrants(identityDirectory)?.containers ?? [];
  return told.filter(({ container }) => containers.includes(container));
}

function every(clock: Clock, periodMs: number, task: () => void): () => void {
  let cancel = clock.schedule(again, periodMs);
  function again(): void {
    task();
    cancel = clock.schedule(again, periodMs);
  }
  return () => cancel();
}
