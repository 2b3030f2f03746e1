// Whether new pods can have a pod certificate: by fakes, and read from an emulated API server with the least rights.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { until } from "../../../emulators/until.ts";
import type { Kubernetes } from "../../../src/kubernetes/api.ts";
import type { Kubelet } from "../../../src/kubernetes/kubelets.ts";
import { MINUTE_MS } from "../../../src/runtime/clock.ts";
import { startClusterSupport, statedSupport } from "../../../src/server/signer/cluster-support.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { createKeptLog } from "../../fakes/log.ts";
import { createAndRead, startCluster } from "../../kubernetes/harness.ts";

const SERVER_USER = "system:serviceaccount:podrole:podrole-server";
/** As manifests/components/pod-certificates-auto grants it. */
const RIGHT = { apiGroups: [""], resources: ["nodes"], verbs: ["list"] };

const kubelet = (node: string, version = "v1.37.2", isSchedulable = true): Kubelet => ({
  node,
  version,
  isSchedulable,
});

type Reads = Pick<Kubernetes, "servesResource" | "listKubelets">;

function start(context: TestContext, kubernetes: Reads) {
  const clock = createFakeClock();
  const { log, lines } = createKeptLog();
  const stop = new AbortController();
  context.after(() => stop.abort());
  const support = startClusterSupport({ kubernetes, clock, log, signal: stop.signal });
  const answers: unknown[] = [];
  support.onChange(() => answers.push(support.current()));
  let isServed = false;
  void support.served.then(() => {
    isServed = true;
  });
  return { clock, lines, support, answers, isServed: () => isServed };
}

/** A cluster of fakes, which a test changes. */
function createReads(kubelets: readonly Kubelet[]) {
  const state = { kubelets, served: ["podcertificaterequests", "clustertrustbundles"], looks: 0 };
  const kubernetes: Reads = {
    servesResource: async (resource) => state.served.includes(resource),
    async listKubelets() {
      state.looks += 1;
      return state.kubelets;
    },
  };
  return { state, kubernetes };
}

for (const [what, kubelets, answer, reason] of [
  ["whose kubelets are all new enough", [kubelet("a"), kubelet("b", "v1.38.0")], "on", undefined],
  [
    "with an older kubelet",
    [kubelet("a"), kubelet("b", "v1.36.4")],
    "off",
    /^node b has kubelet v1\.36\.4; expected 1\.37/,
  ],
  [
    "with several older kubelets",
    [kubelet("a", "v1.35.0"), kubelet("b", "v1.36.4"), kubelet("c", "v1.36.4")],
    "off",
    /^node a has kubelet v1\.35\.0, and 2 more nodes;/,
  ],
  ["whose older node is cordoned", [kubelet("a"), kubelet("b", "v1.36.4", false)], "on", undefined],
  ["without a node for new pods", [kubelet("a", "v1.37.2", false)], "off", /^no node is schedulable$/],
] as const) {
  test(`startClusterSupport() answers ${answer} for a cluster ${what}, and logs why`, async (context) => {
    const { clock, support, lines } = start(context, createReads(kubelets).kubernetes);
    await clock.advance(0);
    assert.equal(support.current(), answer);
    const line = lines.find(({ message }) => message === "new pods get another proof");
    assert.equal(line?.["podCertificates"], answer);
    if (reason) assert.match(String(line?.["reason"]), reason);
    else assert.equal(line?.["reason"], undefined);
  });
}

for (const missing of ["podcertificaterequests", "clustertrustbundles"]) {
  test(`startClusterSupport() answers off without reading nodes while the API server does not serve ${missing}`, async (context) => {
    const { kubernetes, state } = createReads([kubelet("a")]);
    const all = state.served;
    state.served = all.filter((resource) => resource !== missing);
    const { clock, support, isServed } = start(context, kubernetes);
    await clock.advance(0);
    assert.deepEqual([support.current(), state.looks, isServed()], ["off", 0, false]);
    state.served = all;
    await clock.advance(MINUTE_MS);
    assert.deepEqual([support.current(), state.looks, isServed()], ["on", 1, true]);
  });
}

test("startClusterSupport() looks each minute, and reports each other answer once", async (context) => {
  const { kubernetes, state } = createReads([kubelet("a")]);
  const { clock, answers } = start(context, kubernetes);
  await clock.advance(0);
  state.kubelets = [kubelet("a"), kubelet("joined", "v1.36.4")];
  await clock.advance(MINUTE_MS - 1);
  assert.deepEqual(answers, ["on"]);
  for (let minute = 0; minute < 3; minute += 1) await clock.advance(MINUTE_MS);
  assert.deepEqual(answers, ["on", "off"]);
  state.kubelets = [kubelet("a"), kubelet("joined", "v1.37.0")];
  await clock.advance(MINUTE_MS);
  assert.deepEqual(answers, ["on", "off", "on"]);
  assert.equal(state.looks, 5);
});

test("startClusterSupport() looks at 3 000 nodes every 3 minutes", async (context) => {
  const { kubernetes, state } = createReads(Array.from({ length: 3_000 }, (_, index) => kubelet(`node-${index}`)));
  const { clock } = start(context, kubernetes);
  await clock.advance(0);
  await clock.advance(3 * MINUTE_MS - 1);
  assert.equal(state.looks, 1);
  await clock.advance(1);
  assert.equal(state.looks, 2);
});

test("startClusterSupport() keeps its answer, and warns, when a look fails", async (context) => {
  const { kubernetes, state } = createReads([kubelet("a")]);
  const failure = new TypeError("the API server is unavailable");
  const fails = { now: false };
  const { clock, answers, lines } = start(context, {
    ...kubernetes,
    listKubelets: (signal) => (fails.now ? Promise.reject(failure) : kubernetes.listKubelets(signal)),
  });
  await clock.advance(0);
  fails.now = true;
  state.kubelets = [];
  await clock.advance(MINUTE_MS);
  assert.deepEqual(answers, ["on"]);
  assert.equal(lines.at(-1)?.["message"], "could not find out whether pods can have a pod certificate");
  fails.now = false;
  await clock.advance(MINUTE_MS);
  assert.deepEqual(answers, ["on", "off"]);
});

async function createNode(
  emulator: Awaited<ReturnType<typeof startCluster>>["emulator"],
  name: string,
  version: string,
) {
  const status = { nodeInfo: { kubeletVersion: version } };
  await createAndRead(emulator, "/api/v1/nodes", { metadata: { name }, status });
}

test("startClusterSupport() needs no right but to list nodes", async (context) => {
  const { emulator, connect } = await startCluster(context);
  emulator.restrict(SERVER_USER, [RIGHT]);
  await createNode(emulator, "node-1", "v1.37.2");
  const { support, clock, isServed } = start(context, await connect(SERVER_USER));
  await until(() => support.current() !== undefined, "an answer");
  assert.deepEqual([support.current(), isServed()], ["on", true]);
  await createNode(emulator, "node-2", "v1.36.4");
  await clock.advance(MINUTE_MS);
  await until(() => support.current() === "off", "the other answer");
});

test("startClusterSupport() has no answer without the right to list nodes, and starts the signer nevertheless", async (context) => {
  const { emulator, connect } = await startCluster(context);
  emulator.restrict(SERVER_USER, []);
  const { support, lines, isServed } = start(context, await connect(SERVER_USER));
  await until(() => lines.length > 0, "a warning");
  assert.deepEqual([support.current(), isServed()], [undefined, true]);
  assert.match(JSON.stringify(lines[0]), /expected permission to list nodes in the cluster/);
});

test("statedSupport() answers what the operator states, and with off is never served", async () => {
  assert.equal(statedSupport("on").current(), "on");
  await statedSupport("on").served;
  const off = statedSupport("off");
  assert.equal(off.current(), undefined);
  let isServed = false;
  void off.served.then(() => {
    isServed = true;
  });
  await setImmediate();
  assert.equal(isServed, false);
});
