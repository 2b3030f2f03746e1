// podrole-sidecar's composition root, read top to bottom: what is kept, when it is renewed, the two ports, the end. It
// must never import what talks gRPC: a renewal is a child process, or a module loaded only where no command is given.
import type { Secret } from "../runtime/secret.ts";
import { createShutdown } from "../runtime/shutdown.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import { createAuthorize } from "./authorize.ts";
import { type Command, createChildRun } from "./child.ts";
import { createEndpoint } from "./endpoint.ts";
import { readGrants } from "./grants-file.ts";
import { createHealth } from "./health.ts";
import { createKeeper } from "./keeper.ts";
import { createSidecarMetrics } from "./metrics.ts";
import type { Renewal } from "./renewal.ts";
import { createRenewals } from "./renewals.ts";
import type { SidecarSettings } from "./settings.ts";
import { readToken } from "./token-file.ts";

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

export interface Serving {
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

/** Serves until `signal` aborts; resolves with the exit code. */
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
    return 1;
  }
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
  await serving.stop(String(signal.reason));
  return 0;
}

/** Resolves when both ports answer; whether there are credentials yet, /readyz tells. */
export async function startServe(deps: ServeDeps, settings: SidecarSettings): Promise<Serving> {
  const { clock, log } = deps;
  const { containers, identityDirectory } = settings;
  const shutdown = createShutdown({ clock, log }, { deadlineMs: STOP_WITHIN_MS });
  const metrics = createSidecarMetrics();
  const authorize = createAuthorize(await tokensOf(settings));
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

  const endpoint = createEndpoint(
    { clock, log, keeper, renewals, authorize, count: metrics.countRequest },
    { port: settings.port, containers, holdMs: HOLD_MS },
  );
  shutdown.onClose("credentials port", () => endpoint.close());
  const health = createHealth({ clock, keeper, renewals, metrics }, { port: settings.healthPort });
  shutdown.onClose("health port", () => health.close());
  try {
    const port = await endpoint.listen();
    const healthPort = await health.listen();
    renewals.start();
    log.info({ port, healthPort, containers, ready: keeper.ready() }, "podrole-sidecar is up");
    return { port, healthPort, stop: (reason) => shutdown.stop(reason) };
  } catch (error) {
    await shutdown.stop("failed to start");
    throw error;
  }
}

/** As init left them; made here only where no init ran. */
async function tokensOf({ tokensDirectory, containers }: SidecarSettings): Promise<readonly Secret[]> {
  const present = containers.flatMap((container) => readToken(tokensDirectory, container) ?? []);
  if (present.length === containers.length) return present;
  return (await import("./tokens.ts")).ensureTokens(tokensDirectory, containers);
}

function renewalRun(
  { clock, log, write, renewCommand: command, env }: ServeDeps,
  settings: SidecarSettings,
): (signal: AbortSignal) => Promise<Renewal> {
  if (command) return createChildRun({ clock, log, write }, { command, env, deadlineMs: CHILD_DEADLINE_MS });
  return async () => (await import("./renew.ts")).renew({ clock, log }, settings);
}
