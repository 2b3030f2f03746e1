// podrole-init: makes the containers' tokens, then waits until every container has credentials, so that no app starts
// without them. All or nothing: one container that can never have its role fails the whole, in words that
// `kubectl describe pod` shows. It waits for whatever may pass, and gives up at once on what only a person can change.
import { writeFile } from "node:fs/promises";
import { ERRORS, type Refusal, toPodroleError } from "../protocol/errors.ts";
import { backoff, type Clock, sleep } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import { isComplete, renewAt } from "./grants.ts";
import { readGrants } from "./grants-file.ts";
import { isPermanent, type Renewal } from "./renewal.ts";
import { renew } from "./renew.ts";
import type { SidecarSettings } from "./settings.ts";
import { ensureTokens } from "./tokens.ts";

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
/** The kubelet keeps no more of a termination message. */
const LONGEST_MESSAGE = 4_096;

/** Resolves with the exit code: 0 when every container has credentials. */
export async function runInit(deps: InitDeps, settings: SidecarSettings): Promise<0 | 1> {
  const { log } = deps;
  const problem = await prepare(deps, settings);
  if (problem === undefined) {
    log.info({ containers: settings.containers }, "every container has credentials");
    return 0;
  }
  log.error({ code: problem.code, reason: problem.message, remedy: ERRORS[problem.code].remedy }, "init gives up");
  await tellKubernetes(deps, settings, problem);
  return 1;
}

async function prepare(deps: InitDeps, settings: SidecarSettings): Promise<Refusal | undefined> {
  try {
    await ensureTokens(settings.tokensDirectory, settings.containers);
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
      const lasting = await lastingRefusal(renewal, settings);
      if (lasting) return lasting;
      if (last?.code !== renewal.code) {
        last = renewal;
        log.warn({ ...facts(), remedy: ERRORS[renewal.code].remedy }, "waiting for credentials");
      }
      const leftMs = settings.initTimeout - (clock.now() - startedAt);
      const waitMs = Math.max(backoff(attempt, BACKOFF_FROM_MS, BACKOFF_TO_MS, random), renewal.retryAfterMs);
      if (leftMs > 0) await sleep(clock, Math.min(waitMs, leftMs), signal);
      if (signal.aborted || leftMs <= 0) return gaveUp(renewal, signal.aborted, settings);
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

/** What cannot pass by itself, naming the containers when the refusal is theirs. */
async function lastingRefusal(
  renewal: Renewal & Refusal,
  { identityDirectory, containers }: SidecarSettings,
): Promise<Refusal | undefined> {
  if (renewal.outcome === "failed") return isPermanent(renewal) ? renewal : undefined;
  const grants = readGrants(identityDirectory);
  const refused = (grants?.containers ?? []).flatMap(({ container, refusal }) =>
    refusal && isPermanent(refusal) && containers.includes(container) ? [{ container, refusal }] : [],
  );
  const [first] = refused;
  if (first === undefined) return undefined;
  const reasons = refused.map(({ container, refusal }) => `container "${container}": ${refusal.message}`);
  return { code: first.refusal.code, message: reasons.join("; ") };
}

function gaveUp({ code, message }: Refusal, stopped: boolean, settings: SidecarSettings): Refusal {
  const { podNamespace, podName, initTimeout } = settings;
  const state = stopped ? "stopped while waiting" : `waited ${Math.round(initTimeout / 1000)} s`;
  return { code, message: `Cannot start pod "${podNamespace}/${podName}": ${state}, the last answer was: ${message}` };
}

/** The file is a mount of the kubelet's: written in place, because it cannot be replaced. */
async function tellKubernetes({ log }: InitDeps, settings: SidecarSettings, problem: Refusal): Promise<void> {
  const path = settings.terminationMessageFile;
  if (path === undefined) return;
  try {
    await writeFile(path, terminationMessage(problem));
  } catch (error) {
    log.warn({ err: error, path }, "could not write the termination message");
  }
}

/** One line with code, reason and remedy; the reason is cut before the remedy is lost. */
export function terminationMessage({ code, message }: Refusal): string {
  const remedy = ` -- ${ERRORS[code].remedy}`;
  const head = `${code}: ${message}`;
  const room = LONGEST_MESSAGE - Buffer.byteLength(remedy);
  if (Buffer.byteLength(head) <= room) return head + remedy;
  // A character that was cut in half decodes to U+FFFD, which takes three bytes.
  return `${Buffer.from(head).toString("utf8", 0, room - 6)}...${remedy}`;
}

function every(clock: Clock, periodMs: number, task: () => void): () => void {
  let cancel = clock.schedule(again, periodMs);
  function again(): void {
    task();
    cancel = clock.schedule(again, periodMs);
  }
  return () => cancel();
}
