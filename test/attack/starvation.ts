// 20 hostile pods of 100 containers, each with a role that IAM refuses, ask for credentials without a pause; 35 honest
// pods start meanwhile. All of them must be served, and at the 90th percentile at most 2 s later than in quiet.
import { setTimeout as delay } from "node:timers/promises";
import { type ClientIdentity, getCredentials, type ServerEndpoint } from "../../src/protocol/client.ts";
import { type Latencies, summarizeLatencies, watchMemory } from "./measure.ts";
import type { AttackWorld } from "./world.ts";

const [HOSTILE_PODS, CONTAINERS, HONEST_PODS] = [20, 100, 35];
/** An honest pod that has no credentials by then has not been served. */
const PATIENCE_MS = 60_000;
const LATER_MS = 2_000;

interface Client {
  readonly endpoint: ServerEndpoint;
  readonly identity: ClientIdentity;
  readonly containers: readonly string[];
}

async function run(world: AttackWorld, isShort: boolean) {
  const { programs, groups, limits } = world;
  const quiet = await startHonest(world, isShort ? 10 : HONEST_PODS, "quiet");
  const hostile: Client[] = [];
  for (let index = 0; index < HOSTILE_PODS; index++) {
    const containers = Array.from({ length: CONTAINERS }, (_, at) => `c${at}`);
    const roles = Object.fromEntries(containers.map((name, at) => [name, `shop-denied-${index * CONTAINERS + at}`]));
    const pod = await programs.createPod({ name: `hostile-${index}`, roles });
    hostile.push({ endpoint: pod.credentialsPort, identity: await pod.prove(), containers });
  }
  const memory = watchMemory(groups.server);
  const stopped = new AbortController();
  const attacking = Promise.all(hostile.map((client) => askOn(client, stopped.signal)));
  await delay(1_000);
  const beside = await startHonest(world, HONEST_PODS, "beside");
  stopped.abort();
  await attacking;
  const { peakBytes, cpuShare } = memory.stop();
  const most = quiet.p90 + LATER_MS;
  const problems = [
    ...(beside.failures > 0
      ? [`${beside.failures} of ${beside.calls} honest pods were not served: ${beside.failure}`]
      : []),
    ...(!isShort && beside.p90 > most ? [`p90 ${beside.p90} ms; expected at most ${most} ms`] : []),
  ];
  return { quiet: [quiet], beside: [beside], peakBytes, limitBytes: limits.server, cpuShare, problems };
}

/** Asks again and again, without the pauses that the server requests. */
async function askOn({ endpoint, identity, containers }: Client, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await getCredentials(endpoint, identity, { containers: [...containers], bundleHash: "" }, 10_000).catch(() => {});
    await delay(50);
  }
}

/** Creates honest pods, one each 100 ms, and measures how long each takes to get its credentials. */
async function startHonest(world: AttackWorld, count: number, name: string): Promise<Latencies> {
  const times: number[] = [];
  const failures: string[] = [];
  const pods: Promise<void>[] = [];
  for (let index = 0; index < count; index++) {
    pods.push(
      startPod(world, `${name}-${index}`, `shop-honest-${index}`).then(
        (ms) => void times.push(ms),
        (error: unknown) => {
          times.push(PATIENCE_MS);
          failures.push(error instanceof Error ? error.message : String(error));
        },
      ),
    );
    await delay(100);
  }
  await Promise.all(pods);
  return summarizeLatencies("honest pods", times, failures);
}

async function startPod({ programs }: AttackWorld, name: string, role: string): Promise<number> {
  const pod = await programs.createPod({ name, roles: { app: role } });
  const from = performance.now();
  let reason = "";
  while (performance.now() - from < PATIENCE_MS) {
    try {
      const identity = await pod.prove();
      const { grants } = await getCredentials(
        pod.credentialsPort,
        identity,
        { containers: ["app"], bundleHash: "" },
        15_000,
      );
      const result = grants[0]?.result;
      if (result?.$case === "credentials") return performance.now() - from;
      reason = result?.refusal.code ?? "";
      // As the sidecar waits: what the server asks for, at most a few seconds.
      await delay(Math.min(Math.max(result?.refusal.retryAfterMs ?? 0, 500), 5_000));
    } catch (error) {
      reason = error instanceof Error ? error.message : String(error);
      await delay(500);
    }
  }
  throw new RangeError(`not served within ${PATIENCE_MS / 1000} s: ${reason}`);
}

export const runStarvation = Object.assign(run, {
  under: "server",
  title: `${HOSTILE_PODS} pods of ${CONTAINERS} containers with roles that IAM refuses, beside ${HONEST_PODS} honest new pods`,
} as const);
