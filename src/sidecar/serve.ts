// podrole-sidecar's composition root, read top to bottom: what is kept, when it is renewed, the two ports, the end. It
// must never import what talks gRPC: a renewal is a child process, or a module loaded only where no command is given.
// The first renewal is started before anything else: the pod waits for it.
import { toPodroleError } from "../protocol/errors.ts";
import { createShutdown } from "../runtime/shutdown.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import { createAuthorize } from "./http/authorize.ts";
import { type Command, createChildRun } from "./child.ts";
import { createEndpoint, type MorePaths } from "./http/endpoint.ts";
import { readGrants } from "./files/grants-file.ts";
import { createHealth } from "./http/health.ts";
import { createKeeper, type Keeper } from "./keeper.ts";
import { createSidecarMetrics } from "./metrics.ts";
import type { Renewal } from "./renewal.ts";
import { createRenewals } from "./renewals.ts";
import type { SidecarSettings } from "./settings.ts";
import { createStart, type Start } from "./start.ts";
import { tellWhy } from "./termination.ts";
import { ensureTokens } from "./files/tokens.ts";

export interface ServeDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** Takes a child's log line, as it is. */
  readonly write: (line: string) => void;
  /** Starts a renewal as a process; without it renewals run in this one, where memory does not matter. */
  readonly renewCommand?: Command | undefined;
  /** The environment of that process. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

export interface Serving extends Pick<Start, "refused" | "waitingFor"> {
  /** The ports that were bound: settings may ask for any free one. */
  readonly port: number;
  readonly healthPort: number;
  stop(reason: string): Promise<void>;
}

/** An answer after one second is none: several SDKs have given up by then. */
const HOLD_MS = 900;
const CHILD_DEADLINE_MS = 30_000;
/** The kubelet may give a sidecar as little as 2 s. */
const STOP_WITHIN_MS = 1_500;

/**
 * Serves until `signal` aborts; resolves with the exit code. As long as the pod was never ready, a refusal that lasts ends
 * it too, with a termination message and 1: `kubectl describe pod` shows why, and the kubelet tries again ever later.
 */
export async function runServe(
  deps: ServeDeps & { readonly signal: AbortSignal },
  settings: SidecarSettings,
): Promise<0 | 1> {
  const { signal, log } = deps;
  let serving: Serving;
  try {
    serving = await startServe(deps, settings);
  } catch (error) {
    log.error({ err: error }, "podrole-sidecar could not start");
    tellWhy(log, settings, toPodroleError(error));
    return 1;
  }
  const refusal = await Promise.race([serving.refused, aborted(signal)]);
  const problem = refusal ?? serving.waitingFor();
  // Before the parts are closed: that takes its time, and the kubelet may not have it.
  if (problem) tellWhy(log, settings, problem);
  await serving.stop(refusal ? refusal.code : String(signal.reason));
  return problem ? 1 : 0;
}

function aborted(signal: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(undefined);
    else signal.addEventListener("abort", () => resolve(undefined), { once: true });
  });
}

/** Resolves when both ports answer; whether there are credentials yet, /readyz tells. */
export async function startServe(deps: ServeDeps, settings: SidecarSettings): Promise<Serving> {
  const { clock, log } = deps;
  const { containers, identityDirectory } = settings;
  const shutdown = createShutdown({ clock, log }, { deadlineMs: STOP_WITHIN_MS });
  const metrics = createSidecarMetrics();
  const keeper = createKeeper({ clock, log, read: () => readGrants(identityDirectory) }, { containers });
  keeper.reload();

  const renewals = createRenewals({
    clock,
    log,
    keeper,
    run: renewalRun(deps, settings),
    count: metrics.countRenewal,
  });
  shutdown.onClose("renewal", () => renewals.stop());
  renewals.start();
  const start = createStart({ clock, log, keeper, renewals }, settings);
  shutdown.onClose("start", () => start.stop());

  try {
    const authorize = createAuthorize(ensureTokens(settings.tokensDirectory, containers));
    const morePaths = await metadataPaths(deps, settings, keeper);
    const endpoint = createEndpoint(
      { clock, log, keeper, renewals, authorize, count: metrics.countRequest, morePaths },
      { port: settings.port, containers, holdMs: HOLD_MS },
    );
    shutdown.onClose("credentials port", () => endpoint.close());
    const health = createHealth({ clock, keeper, renewals, metrics }, { port: settings.healthPort });
    shutdown.onClose("health port", () => health.close());
    const port = await endpoint.listen();
    const healthPort = await health.listen();
    log.info({ port, healthPort, containers, ready: keeper.ready() }, "podrole-sidecar is up");
    return {
      port,
      healthPort,
      refused: start.refused,
      waitingFor: () => start.waitingFor(),
      stop: (reason) => shutdown.stop(reason),
    };
  } catch (error) {
    await shutdown.stop("failed to start");
    throw error;
  }
}

/** Loaded where the pod asked for it: the others pay nothing for it. */
async function metadataPaths(
  { clock }: ServeDeps,
  { metadata, metadataV1: version1, region, zone }: SidecarSettings,
  keeper: Keeper,
): Promise<MorePaths | undefined> {
  if (!metadata) return undefined;
  const { createMetadata } = await import("./http/metadata/metadata.ts");
  return createMetadata(
    { clock, granted: () => keeper.granted(0) },
    { region: region || undefined, zone: zone || undefined, version1 },
  );
}

function renewalRun(
  { clock, log, write, renewCommand: command, env }: ServeDeps,
  settings: SidecarSettings,
): (signal: AbortSignal) => Promise<Renewal> {
  if (command) return createChildRun({ clock, log, write }, { command, env, deadlineMs: CHILD_DEADLINE_MS });
  return async () => (await import("./renew.ts")).renew({ clock, log }, settings);
}
