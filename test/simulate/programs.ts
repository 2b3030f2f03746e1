// podrole's programs in a simulation: replicas of the server and of the webhook, each started by its own composition
// root, as a Deployment keeps them.
// States of a replica: starting → ready (its page says so; the kubelet looks every 5 s) ⇄ not ready → killed →
// replaced. A ready replica stays ready while there is no fault, so the kubelet looks again when one begins. Whether a
// webhook is ready decides nothing here: the API server calls each that runs.
import type { Log } from "../../src/runtime/log.ts";
import type { PagesDeps } from "../../src/runtime/pages.ts";
import { readSettings, type Settings, type SettingTable } from "../../src/runtime/settings.ts";
import { createShutdown, type ProgramDeps } from "../../src/runtime/shutdown.ts";
import { startServer } from "../../src/server/main.ts";
import { SERVER_SETTINGS } from "../../src/settings/server.ts";
import { WEBHOOK_SETTINGS } from "../../src/settings/webhook.ts";
import type { WebhookAppDeps } from "../../src/webhook/app.ts";
import { startWebhook } from "../../src/webhook/main.ts";
import type { ApiServer } from "./api-server.ts";
import type { Network, Replica } from "./network.ts";
import type { Outages } from "./outages.ts";
import { between } from "./random.ts";
import type { StsModel } from "./sts-model.ts";
import { currentWorld, type Surroundings } from "./surroundings.ts";
import { BEGINNING, createProgram, type Program, type Timeline } from "./timeline.ts";
import { issueToken } from "./tokens.ts";

/** What programs run in. */
export interface Outside {
  readonly timeline: Timeline;
  readonly api: ApiServer;
  readonly sts: StsModel;
  readonly network: Network;
  readonly outages: Outages;
  /** Receives what a program logs at level error, and what must not happen. */
  readonly onError: (program: string, fields: unknown, message: string) => void;
}

/** A replica of the server or of the webhook. */
export interface Running extends Replica {
  pages: PagesDeps | undefined;
  app: WebhookAppDeps | undefined;
}

/** Replicas of one program. */
export interface Deployment {
  readonly replicas: readonly Running[];
  /** Kills a replica; another one starts after `restartMs`. */
  kill(index: number, restartMs: number): void;
  /** True while every replica is ready and lists nothing as degraded. */
  isWell(): boolean;
}

const PROBE_EACH_MS = 5_000;
/** A killed replica is an endpoint until its node has reported its end. */
const LISTED_AFTER_DEATH_MS = 2_000;

export const NAMESPACE = "podrole";

/** A log that passes on errors alone. */
export function createQuietLog(program: string, onError: Outside["onError"]): Log {
  const log = {
    debug() {},
    info() {},
    warn() {},
    error: (fields: unknown, message: string) => onError(program, fields, message),
    child: () => log,
  };
  return log as unknown as Log;
}

type Start = (name: string, deps: ProgramDeps) => Promise<unknown>;

function createDeployment(outside: Outside, kind: string, count: number, start: Start): Deployment {
  const { timeline, api, sts, network, outages, onError } = outside;
  let generation = 0;
  /** Continue the probes that wait for the next fault. */
  const paused = new Set<() => void>();
  outages.onBegin(() => {
    for (const resume of paused) resume();
    paused.clear();
  });

  function run(): Running {
    generation += 1;
    const name = `${kind}-${generation}`;
    const program = createProgram(timeline, name);
    const replica: Running = { program, ports: new Map(), isBlackHole: false, pages: undefined, app: undefined };
    currentWorld().hosts.set(name, surroundingsFor(replica));
    currentWorld().volumes.provide(`/proof/${name}/token`, () =>
      api.isWell() ? newToken(kind, api, timeline) : undefined,
    );
    program.onKill(() => {
      currentWorld().hosts.delete(name);
      currentWorld().volumes.clear(`/proof/${name}/`);
    });
    const log = createQuietLog(name, onError);
    program.post(between(500, 2_000), () => {
      const shutdown = createShutdown({ clock: program.clock, log }, { deadlineMs: 25_000 });
      start(name, { clock: program.clock, log, audit: () => {}, shutdown }).catch((error: unknown) =>
        onError(name, { err: error }, "did not start"),
      );
    });
    if (kind === "server") probeEach(replica);
    return replica;
  }

  function surroundingsFor(replica: Running): Surroundings {
    const { program } = replica;
    return {
      call: (port, endpoint, identity, request, deadlineMs) =>
        network.call(program, port, endpoint, identity, request, deadlineMs),
      canConnect: (timeoutMs) => network.canConnect(program, timeoutMs),
      kubernetes: () => api.connect(program),
      sts: () => sts.connect(program),
      onListen: (deps, options) =>
        void replica.ports.set(options.requireClientCertificate ? "credentials" : "identity", { deps, options }),
      onPages(pages) {
        replica.pages = pages;
      },
      onWebhook(app) {
        replica.app = app;
      },
    };
  }

  /** As a readinessProbe; a paused program does not answer. */
  function probeEach(replica: Running): void {
    const { program } = replica;
    const startedAt = timeline.now();
    const next = () => timeline.after(PROBE_EACH_MS - ((timeline.now() - startedAt) % PROBE_EACH_MS), probe);
    function probe(): void {
      if (!program.isAlive()) return;
      const isReady = !program.isPaused() && replica.pages?.unready().length === 0;
      if (isReady) network.listed.add(replica);
      else network.listed.delete(replica);
      if (isReady && outages.isCalm()) paused.add(next);
      else next();
    }
    next();
  }

  const replicas = Array.from({ length: count }, run);
  return {
    replicas,
    kill(index, restartMs) {
      const replica = replicas[index];
      if (!replica?.program.isAlive()) return;
      replica.program.kill();
      timeline.after(LISTED_AFTER_DEATH_MS, () => network.listed.delete(replica));
      timeline.after(restartMs, () => {
        replicas[index] = run();
      });
    },
    isWell: () =>
      replicas.every(({ program, pages }) => {
        if (!program.isAlive() || program.isPaused() || pages === undefined) return false;
        return pages.unready().length === 0 && (pages.degraded?.() ?? []).length === 0;
      }),
  };
}

function newToken(kind: string, { store }: ApiServer, timeline: Timeline): string | undefined {
  const name = `podrole-${kind}`;
  const uid = store.get("pods", `${NAMESPACE}/${name}`)?.metadata.uid ?? "";
  return issueToken({ namespace: NAMESPACE, name, uid, serviceAccount: name }, BEGINNING + timeline.now());
}

/** Settings of the installation that differ from run to run, as flags. */
export type Flags = Readonly<Record<string, string>>;

/** Starts `count` servers. */
export function startServers(outside: Outside, count: number, flags: Flags): Deployment {
  return createDeployment(outside, "server", count, (name, deps) =>
    startServer(
      deps,
      settingsFrom(SERVER_SETTINGS, {
        ...flags,
        bind: `${name}:8444`,
        identityBind: `${name}:8443`,
        pagesBind: `${name}:8080`,
        stateBind: `${name}:8445`,
        kubeconfig: name,
        stsEndpoint: `https://${name}`,
        roleBaseArn: ROLE_BASE,
      }),
    ),
  );
}

/** Starts `count` webhooks. */
export function startWebhooks(outside: Outside, count: number): Deployment {
  return createDeployment(outside, "webhook", count, (name, deps) =>
    startWebhook(
      deps,
      settingsFrom(WEBHOOK_SETTINGS, {
        bind: `${name}:9443`,
        pagesBind: `${name}:8080`,
        kubeconfig: name,
        identityAddress: `${name}:8443`,
        proofFile: `/proof/${name}/token`,
        roleBaseArn: ROLE_BASE,
        maxSessionDuration: "12h",
      }),
    ),
  );
}

/** Base ARN of the roles of the simulation. */
export const ROLE_BASE = "arn:aws:iam::123456789012:role/";

/** Parses flags with a table; throws if one is invalid. */
export function settingsFrom<const Table extends SettingTable>(table: Table, flags: Flags): Settings<Table> {
  const read = readSettings(table, flags, {});
  if (!read.ok) throw new Error(`Cannot simulate: ${read.problems.join("; ")}`);
  return read.value;
}

/** True while the program answers. */
export function isRunning(program: Program): boolean {
  return program.isAlive() && !program.isPaused();
}
