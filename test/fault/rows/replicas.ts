// A server killed in each phase of a call. It is the only one behind the address until it is killed, so that a call
// reaches the phase in it.

import type { RequestInfo } from "../../../emulators/kubernetes/request-info.ts";
import type { RunningProgram } from "../../../emulators/start-program.ts";
import { until } from "../../../emulators/until.ts";
import type { FaultRow } from "../row.ts";
import { FAULT_ROLE, type FaultWorld } from "../world.ts";

const ROLE_ARN = `arn:aws:iam::123456789012:role/${FAULT_ROLE}`;
const PHASE_WITHIN_MS = 60_000;
/** How long a slow review takes. */
const REVIEW_MS = 3_000;

type ReachPhase = (world: FaultWorld, server: RunningProgram) => Promise<unknown>;

function untilPhase(condition: () => boolean, what: string): Promise<void> {
  return until(condition, what, { timeoutMs: PHASE_WITHIN_MS });
}

/** Leaves one server behind the address; returns a function that puts the others back. */
function isolate({ identity, credentials, servers }: FaultWorld, server: RunningProgram): () => void {
  const services = [
    [identity, "identity"],
    [credentials, "credentials"],
  ] as const;
  for (const [{ endpoints }, port] of services) endpoints.splice(0, endpoints.length, server.ports[port] ?? 0);
  return () => {
    for (const other of servers) {
      if (other === server) continue;
      for (const [{ endpoints }, port] of services) endpoints.push(other.ports[port] ?? 0);
    }
  };
}

/** Kills a server in a phase; it stays an endpoint until the end. */
function killedWhile(id: string, phase: string, reach: ReachPhase): FaultRow {
  return {
    id: `replica-killed-${id}`,
    title: `One of two servers: killed while ${phase}`,
    begin: (world) => {
      const [server] = world.servers;
      if (server === undefined) throw new Error("Cannot cause the fault: no server runs; expected two");
      const putBack = isolate(world, server);
      const killed = reach(world, server)
        .then(() => server.kill())
        .finally(putBack);
      // Awaited at the end.
      killed.catch(() => {});
      return async () => {
        await killed;
        world.withdraw(server);
        await world.addServer();
      };
    },
    newcomer: "served",
  };
}

async function reachHandshake({ identity }: FaultWorld, { pid, ports }: RunningProgram): Promise<void> {
  const accepted = () => identity.accepted.get(ports["identity"] ?? 0) ?? 0;
  const before = accepted();
  process.kill(pid, "SIGSTOP");
  await untilPhase(() => accepted() > before, "a pod connects");
}

async function reachReview({ programs }: FaultWorld): Promise<void> {
  const { faults } = programs.cluster.kubernetes;
  let reviews = 0;
  function isReview({ resource }: RequestInfo): boolean {
    const isOne = resource.plural === "tokenreviews";
    if (isOne) reviews += 1;
    return isOne;
  }
  Object.assign(faults, { latencyMs: REVIEW_MS, only: isReview });
  await untilPhase(() => reviews > 0, "a token is reviewed").finally(() =>
    Object.assign(faults, { latencyMs: 0, only: () => true }),
  );
}

async function reachSts({ sts }: FaultWorld): Promise<void> {
  const gate = Promise.withResolvers<void>();
  sts.gates.set(ROLE_ARN, gate.promise);
  await untilPhase(() => sts.waiting() > 0, "a server calls STS").finally(() => {
    sts.gates.delete(ROLE_ARN);
    gate.resolve();
  });
}

async function reachStop(_world: FaultWorld, { pid, lines }: RunningProgram): Promise<void> {
  const before = lines.length;
  process.kill(pid, "SIGTERM");
  await untilPhase(() => lines.length > before, "the server begins to stop");
}

export const REPLICA_ROWS: readonly FaultRow[] = [
  killedWhile("in-handshake", "pods wait for its TLS handshake", reachHandshake),
  killedWhile("in-review", "it waits for a TokenReview", reachReview),
  killedWhile("in-sts", "it waits for STS", reachSts),
  killedWhile("in-stop", "it stops", reachStop),
];
