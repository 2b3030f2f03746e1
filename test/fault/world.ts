// What the faults happen to: two servers behind one address, a webhook, and the sidecar of a running app, each the real
// program with a clock of its own that a fault can set. Sessions last 30 s, so that a fault of some seconds meets
// renewals.
// States: open → closed (close() ends every process).
import { chmodSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { OwnCredentials } from "../../emulators/cluster.ts";
import type { RunningProgram } from "../../emulators/start-program.ts";
import { LIBFAKETIME } from "../../scripts/command-line/scripts-table.ts";
import type { AdmittedPod } from "../admitted-pod.ts";
import { ROOT } from "../files.ts";
import { openPrograms, type Programs, type RunningSidecar } from "../programs.ts";
import { type Service, startService } from "../story/service.ts";
import { type ShortSessions, startShortSessions } from "../story/short-sessions.ts";
import { createServerName, type ServerName } from "./names.ts";
import { WEB_IDENTITY_PROVIDER } from "./web-identity.ts";

export const FAULT_ROLE = "shop-app";
const SESSION_MS = 30_000;

/** Programs whose clock can be set; both servers have the same one. */
export type ClockOwner = "server" | "webhook" | "sidecar";

/** Everything that a fault can touch. */
export interface FaultWorld {
  readonly programs: Programs;
  readonly sts: ShortSessions;
  readonly servers: RunningProgram[];
  readonly identity: Service;
  readonly credentials: Service;
  /** The name of both services. */
  readonly serverName: ServerName;
  readonly app: RunningSidecar;
  /** Sets a program's wall clock off the real time by so many seconds; its monotonic clock goes on. */
  setClock(owner: ClockOwner, offsetSeconds: number): void;
  /** Creates a pod through the webhook; rejects if it is refused. */
  createPod(): Promise<AdmittedPod>;
  /** Starts a server and puts it behind the address; by default with the AWS credentials of the first one. */
  addServer(own?: OwnCredentials): Promise<RunningProgram>;
  /** Takes a server that has ended, or will end, from behind the address. */
  withdraw(server: RunningProgram): void;
  /** Starts two servers with these AWS credentials, and stops the others. */
  replaceServers(own: OwnCredentials): Promise<void>;
  /** Runs when the world is closed. */
  after(end: () => Promise<void> | void): void;
  close(): Promise<void>;
}

/** Starts everything; resolves when the app has credentials. */
export async function openFaultWorld(): Promise<FaultWorld> {
  const directory = mkdtempSync(join(tmpdir(), "podrole-fault-"));
  const clockFile = (owner: ClockOwner) => join(directory, `${owner}.clock`);
  /** libfaketime reads the file at each look at the clock, and takes an empty one for an offset of 0. */
  function setClock(owner: ClockOwner, offsetSeconds: number): void {
    const file = clockFile(owner);
    writeFileSync(`${file}.new`, `${offsetSeconds < 0 ? "" : "+"}${offsetSeconds}s\n`);
    renameSync(`${file}.new`, file);
  }
  for (const owner of ["server", "webhook", "sidecar"] as const) setClock(owner, 0);
  const serverName = createServerName(directory);
  const launcher = writeLauncher(directory, clockFile, serverName);
  const [identity, credentials, sts] = [await startService(), await startService(), await startShortSessions()];
  sts.lifetimes.set(`arn:aws:iam::123456789012:role/${FAULT_ROLE}`, SESSION_MS);
  const servers: RunningProgram[] = [];
  const programs = await openPrograms({
    launch: {
      cli: { execPath: launcher, entry: join(ROOT, "src/cli/main.ts") },
      sidecar: { execPath: launcher, args: ["--no-warnings", join(ROOT, "src/sidecar/main.ts")] },
    },
    roles: [FAULT_ROLE],
    identityProviders: [WEB_IDENTITY_PROVIDER],
    serverFlags: ["--sts-endpoint", sts.url, "--sts-timeout", "3s"],
    front: async (server) => {
      admit(server);
      return { identity: serverName.of(identity.address), credentials: serverName.of(credentials.address) };
    },
  });
  sts.target = programs.cluster.sts.url;

  function admit(server: RunningProgram): void {
    servers.push(server);
    identity.endpoints.push(server.ports["identity"] ?? 0);
    credentials.endpoints.push(server.ports["credentials"] ?? 0);
  }
  async function addServer(own?: OwnCredentials): Promise<RunningProgram> {
    const server = await programs.cluster.startServer(own);
    admit(server);
    return server;
  }
  function withdraw(server: RunningProgram): void {
    removeFrom(servers, server);
    removeFrom(identity.endpoints, server.ports["identity"]);
    removeFrom(credentials.endpoints, server.ports["credentials"]);
  }
  async function replaceServers(own: OwnCredentials): Promise<void> {
    const former = [...servers];
    for (let count = 0; count < 2; count++) await addServer(own);
    for (const server of former) {
      withdraw(server);
      await server.stop();
    }
  }
  const ends: (() => Promise<void> | void)[] = [];
  let pods = 0;
  const createPod = (): Promise<AdmittedPod> =>
    programs.createPod({ name: `pod-${++pods}`, roles: { app: FAULT_ROLE } });

  await addServer();
  const app = await programs.startSidecar(await createPod());
  return {
    programs,
    sts,
    servers,
    identity,
    credentials,
    serverName,
    app,
    setClock,
    createPod,
    addServer,
    withdraw,
    replaceServers,
    after: (end) => void ends.push(end),
    async close() {
      await programs.close();
      for (const end of ends) await end();
      await Promise.all([identity.close(), credentials.close(), sts.close()]);
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

function removeFrom<Item>(items: Item[], item: Item | undefined): void {
  const index = items.findIndex((other) => other === item);
  if (index >= 0) items.splice(index, 1);
}

/** Without the capabilities by which root reads and writes every file, whatever its mode. */
const RESTRICTED = process.getuid?.() === 0 ? "setpriv --bounding-set=-dac_override,-dac_read_search" : "";

/** Writes a script that starts Node with the clock of its program and the name of the servers; returns its path. */
function writeLauncher(
  directory: string,
  clockFile: (owner: ClockOwner) => string,
  { nodeOptions }: ServerName,
): string {
  // The command line's second argument is the program's name; a sidecar's is its entry.
  const text = `#!/bin/sh
case "$2" in
server) clock=${clockFile("server")} ;;
webhook) clock=${clockFile("webhook")} ;;
*) clock=${clockFile("sidecar")} ;;
esac
export LD_PRELOAD=${LIBFAKETIME} FAKETIME_TIMESTAMP_FILE=$clock FAKETIME_NO_CACHE=1 DONT_FAKE_MONOTONIC=1
export NODE_OPTIONS=${nodeOptions}
exec ${RESTRICTED} ${process.execPath} "$@"
`;
  const path = join(directory, "launch.sh");
  writeFileSync(path, text);
  chmodSync(path, 0o755);
  return path;
}
