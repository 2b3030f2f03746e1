// Faults of podrole's programs: killed, stopped as by a suspended machine, and with a wrong clock.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setWebhookPort } from "../../../emulators/installation.ts";
import type { RunningProgram } from "../../../emulators/start-program.ts";
import { writeReviewFile } from "../../attack/rows/webhook.ts";
import { startAttacker } from "../../attack/world.ts";
import { annotatedPod } from "../../webhook/requests.ts";
import type { End, FaultRow } from "../row.ts";
import { type ClockOwner, FAULT_ROLE, type FaultWorld } from "../world.ts";

/** Suspends processes until the end, as a suspended machine or a starved node does. */
function suspends(programsOf: (world: FaultWorld) => readonly RunningProgram[]): FaultRow["begin"] {
  return (world) => {
    const pids = programsOf(world).map(({ pid }) => pid);
    for (const pid of pids) process.kill(pid, "SIGSTOP");
    return () => {
      for (const pid of pids) process.kill(pid, "SIGCONT");
    };
  };
}

const STARVED_PERIOD_MS = 2_000;
const STARVED_RUN_MS = 100;

/** Lets a process run for a small part of the time. */
function starve(pid: number): () => void {
  process.kill(pid, "SIGSTOP");
  let stop: NodeJS.Timeout | undefined;
  const turns = setInterval(() => {
    process.kill(pid, "SIGCONT");
    stop = setTimeout(() => process.kill(pid, "SIGSTOP"), STARVED_RUN_MS);
  }, STARVED_PERIOD_MS);
  return () => {
    clearInterval(turns);
    clearTimeout(stop);
    process.kill(pid, "SIGCONT");
  };
}

/** Far more than the API server sends, and more than the webhook can answer. */
const REVIEWERS = 64;

/** Callers who send reviews and wait for nothing but the answer. */
async function overloadWebhook(world: FaultWorld): Promise<End> {
  const directory = mkdtempSync(join(tmpdir(), "podrole-reviews-"));
  world.after(() => rmSync(directory, { recursive: true, force: true }));
  const pod = annotatedPod({ "iam.amazonaws.com/role": FAULT_ROLE });
  const attacker = await startAttacker({
    kind: "repeat",
    tls: true,
    port: world.programs.cluster.webhook.ports["webhook"] ?? 0,
    localAddress: "127.0.0.2",
    connections: REVIEWERS,
    file: writeReviewFile(directory, "review", pod),
  });
  return () => attacker.stop();
}

/** Sets a program's clock until the end. */
function misdated(owner: ClockOwner, hours: 2 | -2, whose: string): FaultRow {
  const direction = hours > 0 ? "ahead" : "back";
  return {
    id: `clock-${owner}-${direction}`,
    title: `Clock of ${whose}: set ${Math.abs(hours)} h ${direction}, and right again`,
    begin: (world) => {
      world.setClock(owner, hours * SECONDS_PER_HOUR);
      return () => world.setClock(owner, 0);
    },
  };
}

function first(servers: readonly RunningProgram[]): RunningProgram {
  const [server] = servers;
  if (server === undefined) throw new Error("Cannot cause the fault: no server runs; expected two");
  return server;
}

const SECONDS_PER_HOUR = 3_600;
const OWN_SIDECAR = "its own sidecar does not run";

export const PROGRAM_ROWS: readonly FaultRow[] = [
  {
    id: "replica-killed",
    title: "One of two servers: killed, listed as an endpoint for 8 s more",
    begin: async (world) => {
      const server = first(world.servers);
      await server.kill();
      return async () => {
        world.withdraw(server);
        await world.addServer();
      };
    },
    newcomer: "served",
    isShort: true,
  },
  {
    id: "replica-black-hole",
    title: "One of two servers: accepts connections but answers no request, as after a network partition",
    begin: suspends(({ servers }) => [first(servers)]),
    lastsMs: 40_000,
    newcomer: "served",
  },
  {
    id: "servers-suspended",
    title: "All servers: suspended",
    begin: suspends(({ servers }) => servers),
    lastsMs: 20_000,
    newcomer: "waits",
    log: { from: "sidecar", pattern: /SERVER_UNREACHABLE/ },
    alert: "PodroleServerDown",
    isShort: true,
  },
  {
    id: "webhook-suspended",
    title: "Webhook: suspended",
    begin: suspends(({ programs }) => [programs.cluster.webhook]),
    newcomer: "waits",
    alert: "PodroleWebhookDown",
  },
  {
    id: "webhook-away",
    title: "Webhook: nothing listens at its address",
    begin: ({ programs }) => {
      const { kubernetes, webhook } = programs.cluster;
      setWebhookPort(kubernetes, 1);
      return () => setWebhookPort(kubernetes, webhook.ports["webhook"] ?? 0);
    },
    newcomer: "waits",
    alert: "PodroleWebhookDown",
  },
  {
    id: "webhook-slow",
    title: "Webhook: runs for 0.1 s in each 2 s, as on a starved node",
    begin: ({ programs }) => starve(programs.cluster.webhook.pid),
    lastsMs: 20_000,
    newcomer: "served",
  },
  {
    id: "webhook-overloaded",
    title: `Webhook: ${REVIEWERS} callers send reviews without a pause`,
    begin: overloadWebhook,
    lastsMs: 15_000,
    newcomer: "served",
  },
  {
    id: "sidecar-suspended",
    title: "Sidecar: suspended",
    begin: suspends(({ app }) => [app.program]),
    appFails: OWN_SIDECAR,
    newcomer: "served",
    lastsMs: 12_000,
  },
  {
    id: "sidecar-suspended-long",
    title: "Sidecar: suspended for longer than its sessions last",
    begin: suspends(({ app }) => [app.program]),
    appFails: OWN_SIDECAR,
    newcomer: "served",
    lastsMs: 45_000,
  },
  { ...misdated("server", 2, "all servers"), isShort: true },
  misdated("server", -2, "all servers"),
  misdated("webhook", 2, "the webhook"),
  misdated("webhook", -2, "the webhook"),
  {
    ...misdated("sidecar", 2, "the sidecar"),
    appFails: "by the clock of its node, which is the app's as well, the credentials have expired",
  },
  misdated("sidecar", -2, "the sidecar"),
];
