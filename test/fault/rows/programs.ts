// Faults of podrole's programs: killed, stopped as by a suspended machine, and with a wrong clock.
import { chmodSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { RunningProgram } from "../../../emulators/start-program.ts";
import type { FaultRow } from "../row.ts";
import type { ClockOwner, FaultWorld } from "../world.ts";

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

/** Takes a server's ports out of the Service, as its readiness does. */
function withdraw({ identity, credentials }: FaultWorld, { ports }: RunningProgram): void {
  for (const [service, port] of [
    [identity, ports["identity"]],
    [credentials, ports["credentials"]],
  ] as const) {
    const index = service.endpoints.indexOf(port ?? 0);
    if (index >= 0) service.endpoints.splice(index, 1);
  }
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
        withdraw(world, server);
        world.servers.splice(world.servers.indexOf(server), 1);
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
    id: "sidecar-suspended",
    title: "Sidecar: suspended",
    begin: suspends(({ app }) => [app.program]),
    appFails: OWN_SIDECAR,
    newcomer: "served",
    lastsMs: 12_000,
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
  {
    id: "files-directory",
    title: "Sidecar: a directory stands where credentials.json belongs",
    begin: ({ app }) => {
      const file = join(app.directory, "identity", "credentials.json");
      rmSync(file, { force: true });
      mkdirSync(file);
      return () => rmSync(file, { recursive: true, force: true });
    },
    lastsMs: 18_000,
    newcomer: "served",
  },
  {
    id: "files-away",
    title: "Sidecar: the directory of its identity is gone, and back",
    begin: ({ app }) => {
      const directory = join(app.directory, "identity");
      renameSync(directory, `${directory}.away`);
      return () => {
        rmSync(directory, { recursive: true, force: true });
        renameSync(`${directory}.away`, directory);
        chmodSync(directory, 0o700);
      };
    },
    lastsMs: 18_000,
    newcomer: "served",
  },
  {
    id: "proof-gone",
    title: "Sidecar: the ServiceAccount token is gone, and back",
    begin: ({ app }) => {
      const file = join(app.directory, "proof");
      renameSync(file, `${file}.away`);
      return () => renameSync(`${file}.away`, file);
    },
    newcomer: "served",
  },
];
