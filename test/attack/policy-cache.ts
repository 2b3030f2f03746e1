// 1 500 different arrays of 20 expressions each on a namespace, one after the other: what the server compiles and keeps
// must stay within its memory.
import { setTimeout as delay } from "node:timers/promises";
import { getCredentials } from "../../src/protocol/client.ts";
import { POD_NAMESPACE } from "../admitted-pod.ts";
import { callFor, watchMemory } from "./measure.ts";
import type { AttackWorld } from "./world.ts";

const ARRAYS = 1_500;
const CALLERS = ["credentials", "certificate", "serverLiveness"] as const;

async function run(world: AttackWorld, isShort: boolean) {
  const { programs, pod, groups, limits } = world;
  const { store } = programs.cluster.kubernetes;
  const callers = CALLERS.map((name) => world.ordinary[name]);
  const quiet = await callFor(callers, 2_000);
  const identity = await pod.prove();
  const killedBefore = groups.server.usage().killed;
  const memory = watchMemory(groups.server);
  const given = store.get("namespaces", undefined, POD_NAMESPACE);
  const count = isShort ? 300 : ARRAYS;

  async function attack(): Promise<void> {
    for (let index = 0; index < count; index++) {
      // The last pattern permits the pod's role, so that ordinary callers are still served.
      const patterns = Array.from({ length: 19 }, (_, at) => `x${index}-${at}(a|b|c|[d-z]{1,20}){1,4}`).concat(".*");
      const annotations = {
        ...given.metadata.annotations,
        "iam.amazonaws.com/allowed-roles": JSON.stringify(patterns),
      };
      const { resourceVersion: _version, ...metadata } = store.get("namespaces", undefined, POD_NAMESPACE).metadata;
      store.replace("namespaces", { ...given, metadata: { ...metadata, annotations } });
      await getCredentials(pod.credentialsPort, identity, { containers: ["app"], bundleHash: "" }, 10_000).catch(
        () => {},
      );
    }
  }

  const attacking = attack();
  const beside = await callFor(callers, isShort ? 6_000 : 20_000);
  await attacking;
  const { resourceVersion: _version, ...metadata } = store.get("namespaces", undefined, POD_NAMESPACE).metadata;
  store.replace("namespaces", { ...given, metadata: { ...metadata, annotations: given.metadata.annotations ?? {} } });
  await delay(500);
  const { peakBytes, cpuShare } = memory.stop();
  const failures = beside.filter((one) => one.failures > 0).map(({ name, failure }) => `${name}: ${failure}`);
  const slow = isShort ? [] : beside.filter((one, index) => one.p99 > Math.max(3 * (quiet[index]?.p99 ?? 0), 1_000));
  const problems = [
    ...(groups.server.usage().killed > killedBefore ? ["the kernel killed the server: out of memory"] : []),
    ...failures,
    ...slow.map(({ name, p99 }) => `${name}: p99 ${p99} ms`),
  ];
  return { quiet, beside, peakBytes, limitBytes: limits.server, cpuShare, problems };
}

export const runPolicyCache = Object.assign(run, {
  under: "server",
  title: `${ARRAYS} different arrays of 20 expressions on a namespace, with a call after each`,
} as const);
