// podrole-sidecar's composition root: the stored credentials, their renewal, the two ports, the end. It never imports
// what uses gRPC: a renewal runs in a child process, or in a module loaded only if there is no command for one. The
// first renewal starts before anything else, because the pod waits for it.
import { toPodroleError } from "../protocol/errors.ts";
import { type Clock, untilAborted } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import { createShutdown } from "../runtime/shutdown.ts";
import { canConnect } from "../runtime/tcp.ts";
import { hasAppSocket, untilAppEnded } from "./app-end.ts";
import { type CredentialStore, createCredentialStore } from "./credential-store.ts";
import { readGrants } from "./files/grants-file.ts";
import { createPaceStore } from "./files/pace-file.ts";
import { writeTerminationMessage } from "./files/termination-message.ts";
import { replaceTokens, takeUnusedTokens } from "./files/token-files.ts";
import { createCredentialsEndpoint, type OtherPaths } from "./http/endpoint.ts";
import { createHealthServer } from "./http/health.ts";
import { createTokenMatcher, type MatchToken } from "./http/match-token.ts";
import { createSidecarMetrics } from "./metrics.ts";
import { type PodStart, watchPodStart } from "./pod-start.ts";
import { createHookRenewal } from "./renewal/hook-renewal.ts";
import type { Renewal } from "./renewal/outcome.ts";
import { createRenewalProcess, type ProcessCommand } from "./renewal/renewal-process.ts";
import { createRenewals } from "./renewal/renewals.ts";
import type { SidecarSettings } from "./settings.ts";

/** What the process provides. */
export interface ServeDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** Receives each log line of a child process unchanged. */
  readonly write: (line: string) => void;
  /** Starts a renewal as a child process; if absent, renewals run in this process, where memory does not matter. */
  readonly renewCommand?: ProcessCommand | undefined;
  /** The environment of that process. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** A running sidecar. */
export interface Serving extends Pick<PodStart, "refused" | "waitingFor"> {
  /** The bound ports: settings may request any free one. */
  readonly port: number;
  readonly healthPort: number;
  stop(reason: string): Promise<void>;
}

/** Several SDKs time out after one second. */
const MAX_HOLD_MS = 900;
const RENEWAL_PROCESS_DEADLINE_MS = 30_000;
/**
 * The kubelet starts the hook right after this process; a hook that comes later, as on a busy node, finds a child at
 * work.
 */
const MAX_HOOK_CONNECT_MS = 5_000;
const REACH_SERVER_TIMEOUT_MS = 2_000;
/** The kubelet may give a sidecar as little as 2 s. */
const SIDECAR_STOP_DEADLINE_MS = 1_500;

/**
 * Starts the sidecar; resolves when both ports listen, with or without credentials. Rejects after closing what it
 * opened.
 */
export async function startServing(deps: ServeDeps, settings: SidecarSettings): Promise<Serving> {
  const { clock, log } = deps;
  const { containers, identityDirectory, tokensDirectory } = settings;
  const shutdown = createShutdown({ clock, log }, { deadlineMs: SIDECAR_STOP_DEADLINE_MS });
  const metrics = createSidecarMetrics();
  const store = createCredentialStore({ clock, log, read: () => readGrants(identityDirectory) }, { containers });
  store.reload();

  const run = createRun(deps, settings, store);
  const renewals = createRenewals({
    clock,
    log,
    store,
    run,
    count: metrics.countRenewal,
    canReachServer: () => canConnect(settings.serverAddress, REACH_SERVER_TIMEOUT_MS),
    paceStore: createPaceStore(identityDirectory),
  });
  shutdown.onClose("renewal", () => renewals.stop());
  renewals.start();
  const start = watchPodStart({ clock, log, store, renewals }, settings);
  shutdown.onClose("start", () => start.stop());

  try {
    const unused = takeUnusedTokens(tokensDirectory, containers);
    // Until this sidecar listens, another container may listen on its port, so every token sent by then is replaced.
    let authorize: MatchToken = unused ? createTokenMatcher(unused) : () => ({ token: "replaced" });
    const otherPaths = await loadMetadata(deps, settings, store);
    const endpoint = createCredentialsEndpoint(
      {
        clock,
        log,
        store,
        renewals,
        matchToken: (header) => authorize(header),
        count: metrics.countRequest,
        otherPaths,
        onClose: (reason) => metrics.countClosed("credentials", reason),
      },
      { port: settings.port, containers, holdMs: MAX_HOLD_MS },
    );
    shutdown.onClose("credentials port", () => endpoint.close());
    const health = createHealthServer(
      { clock, store, renewals, metrics, onClose: (reason) => metrics.countClosed("health", reason) },
      { port: settings.healthPort },
    );
    shutdown.onClose("health port", () => health.close());
    const port = await endpoint.listen();
    if (!unused) authorize = createTokenMatcher(replaceTokens(tokensDirectory, containers));
    const healthPort = await health.listen();
    log.info({ port, healthPort, containers, ready: store.isReady() }, "podrole-sidecar is up");
    const { refused } = start;
    return { port, healthPort, refused, waitingFor: () => start.waitingFor(), stop: (why) => shutdown.stop(why) };
  } catch (error) {
    await shutdown.stop("failed to start");
    throw error;
  }
}

function createRun(
  { clock, log, write, renewCommand: command, env }: ServeDeps,
  settings: SidecarSettings,
  store: Pick<CredentialStore, "isReady">,
): (signal: AbortSignal) => Promise<Renewal> {
  const { identityDirectory, startHook } = settings;
  const deadlineMs = RENEWAL_PROCESS_DEADLINE_MS;
  const loadRenewal = () => import("./renewal/renew.ts");
  let loaded: ReturnType<typeof loadRenewal> | undefined;
  async function inOwnProcess(): Promise<Renewal> {
    loaded ??= loadRenewal();
    return (await loaded).renew({ clock, log }, settings);
  }
  const run = command ? createRenewalProcess({ clock, log, write }, { command, env, deadlineMs }) : inOwnProcess;
  const inHook = createHookRenewal(
    { clock, log, write },
    { identityDirectory, connectMs: MAX_HOOK_CONNECT_MS, deadlineMs },
  );
  let isFirst = true;
  return async (signal) => {
    // A hook that finds a pod that has been ready does not wait for a renewal.
    const expectsHook = startHook && isFirst && !store.isReady();
    isFirst = false;
    return (expectsHook ? await inHook(signal) : undefined) ?? run(signal);
  };
}

/** Loads the metadata paths if the pod enables them: other pods spend no memory on them. */
async function loadMetadata(
  { clock }: ServeDeps,
  { metadata, metadataV1: version1, region, zone, containers }: SidecarSettings,
  store: CredentialStore,
): Promise<OtherPaths | undefined> {
  if (!metadata) return undefined;
  const { createMetadataPaths } = await import("./http/metadata/metadata-paths.ts");
  return createMetadataPaths(
    { clock, credentials: () => containers.map((_container, index) => store.credentials(index)) },
    { region: region || undefined, zone: zone || undefined, acceptsVersion1: version1 },
  );
}

/** Resolves on SIGTERM, or in classic mode when the app has ended too. */
async function untilStopped(
  { clock, log, signal, hasSocket = hasAppSocket }: RunServeDeps,
  { appGrace }: SidecarSettings,
  { waitingFor }: Serving,
): Promise<void> {
  await untilAborted(signal);
  if (appGrace === 0 || waitingFor() !== undefined) return;
  log.info({ graceSeconds: appGrace / 1000 }, "serving until the app has ended");
  await untilAppEnded({ clock, hasSocket }, { graceMs: appGrace });
}

interface RunServeDeps extends ServeDeps {
  readonly signal: AbortSignal;
  /** Whether another container of the pod has a socket; absent: by the kernel's tables. */
  readonly hasSocket?: () => boolean;
}

/**
 * Serves until `signal` aborts, and in classic mode until the app has ended; resolves with the exit code. Until the
 * pod has been ready, a permanent refusal ends it as well, with a termination message and 1: `kubectl describe pod`
 * shows the reason, and the kubelet restarts the container with exponential back-off. A native sidecar that was stopped
 * while it waited leaves the message and returns 0, because a Job's podFailurePolicy may count any other exit code as
 * the app's failure; the kubelet restarts it whatever it returns. In classic mode it would not be restarted after 0.
 * (https://kubernetes.io/docs/concepts/workloads/controllers/job/#pod-failure-policy)
 */
export async function runServe(deps: RunServeDeps, settings: SidecarSettings): Promise<0 | 1> {
  const { signal, log } = deps;
  let serving: Serving;
  try {
    serving = await startServing(deps, settings);
  } catch (error) {
    log.error({ err: error }, "podrole-sidecar could not start");
    writeTerminationMessage(log, settings, toPodroleError(error));
    return 1;
  }
  const refusal = await Promise.race([serving.refused, untilStopped(deps, settings, serving)]);
  const problem = refusal ?? serving.waitingFor();
  // Before closing, which takes time that the kubelet may not allow.
  if (problem) writeTerminationMessage(log, settings, problem);
  await serving.stop(refusal ? refusal.code : String(signal.reason));
  const isNative = settings.appGrace === 0;
  return refusal || (problem && !isNative) ? 1 : 0;
}
