import assert from "node:assert/strict";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { until } from "../../../emulators/until.ts";
import type { Kubernetes } from "../../../src/kubernetes/api.ts";
import type { Pod } from "../../../src/kubernetes/objects.ts";
import { isRefusal, type Refusal } from "../../../src/protocol/errors.ts";
import { systemClock as clock } from "../../../src/runtime/clock.ts";
import { type PodInContext, startPodDirectory } from "../../../src/server/issue/pod-directory.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { createKeptLog } from "../../fakes/log.ts";
import { injectedPod } from "../../injection/injected-pod.ts";
import { createAndRead, podWithMetadata, startCluster } from "../../kubernetes/harness.ts";

const LABELS = { "podrole.io/injected": "true" };

async function setUp(context: TestContext) {
  const { emulator, connect } = await startCluster(context);
  await createAndRead(emulator, "/api/v1/namespaces", { metadata: { name: "team" } });
  const directory = startPodDirectory(
    { kubernetes: await connect(), clock, log: createKeptLog().log },
    { sessionTagLabels: ["team"] },
  );
  context.after(() => directory.stop());
  return {
    emulator,
    directory,
    pod: async (name: string, labels: Record<string, string> = LABELS) => {
      const pod = podWithMetadata({ name, namespace: "team", labels });
      return (await createAndRead<{ metadata: { uid: string } }>(emulator, "/api/v1/namespaces/team/pods", pod))
        .metadata.uid;
    },
  };
}

test("livingPods() is undefined before the first list, so that no pod counts as gone", async (context) => {
  const { directory } = await setUp(context);
  assert.equal(directory.livingPods(), undefined);
  await directory.ready;
  assert.equal(directory.livingPods()?.size, 0);
});

test("livingPods() contains injected pods that have not finished, and follows the watch", async (context) => {
  const { emulator, directory, pod } = await setUp(context);
  await directory.ready;
  const [web, job, other] = [await pod("web"), await pod("job"), await pod("other", {})];
  await until(() => directory.livingPods()?.has(job) === true, "both pods in the cache");
  assert.deepEqual([directory.livingPods()?.has(web), directory.livingPods()?.has(other)], [true, false]);

  const finished = emulator.store.get("pods", "team", "job");
  emulator.store.replace("pods", { ...finished, status: { phase: "Succeeded" } });
  emulator.store.remove("pods", "team", "web");
  await until(() => directory.livingPods()?.size === 0, "no living pod: one has finished, the other is deleted");
});

test("livingPods() has no pod beyond its namespace's share of the cache, which find() reads live", async (context) => {
  const { emulator, directory } = await setUp(context);
  await directory.ready;
  const create = (name: string, namespace: string, annotations = {}) => {
    const { metadata, ...rest } = injectedPod({ name, namespace });
    const all = { ...metadata.annotations, ...annotations };
    return String(emulator.store.create("pods", { ...rest, metadata: { ...metadata, annotations: all } }).metadata.uid);
  };
  const long = { "iam.amazonaws.com/role.other": "r".repeat(16_000) };
  for (let index = 0; index < 1_100; index++) create(`large-${index}`, "team", long);
  const last = create("last", "team", long);
  const other = create("web", "other");
  await until(() => directory.livingPods()?.has(other) === true, "another namespace's pod in the cache");
  assert.equal(directory.livingPods()?.has(last), false);
  assert.ok((directory.livingPods()?.size ?? 0) < 1_100);
  const found = await directory.find({ ...IDENTITY, name: "last", uid: last });
  assert.equal(!isRefusal(found) && found.facts.name, "last");
});

test("livingPods() returns the same object when a pod changes, and another one when a pod begins or ends", async (context) => {
  const { emulator, directory, pod } = await setUp(context);
  await directory.ready;
  const web = await pod("web");
  await until(() => directory.livingPods()?.has(web) === true, "the pod in the cache");
  const before = directory.livingPods();
  const present = emulator.store.get("pods", "team", "web");
  emulator.store.replace("pods", { ...present, spec: { nodeName: "node" } });
  await until(() => directory.knownPod("team", "web")?.node === "node", "the changed pod in the cache");
  assert.equal(directory.livingPods(), before);

  const job = await pod("job");
  emulator.store.remove("pods", "team", "web");
  await until(() => directory.livingPods()?.has(web) === false, "the end of the pod");
  assert.deepEqual([...(directory.livingPods() ?? [])], [job]);
});

const IDENTITY = { trustDomain: "cluster.local", namespace: "team", serviceAccount: "default", name: "web" };

/** A directory whose watches deliver their first lists and then nothing, with a count of the look-ups of pods. */
async function blindStage(context: TestContext) {
  const { emulator, connect } = await startCluster(context);
  await createAndRead(emulator, "/api/v1/namespaces", { metadata: { name: "team" } });
  const pod = await createAndRead<Pod>(
    emulator,
    "/api/v1/namespaces/team/pods",
    injectedPod({ name: "web", namespace: "team" }),
  );
  const real = await connect();
  const lookedUp: string[] = [];
  const kubernetes: Kubernetes = {
    ...real,
    source: <Item>(...args: Parameters<Kubernetes["source"]>) => ({
      ...real.source<Item>(...args),
      watch: async function* ({ signal }: { readonly signal: AbortSignal }) {
        await once(signal, "abort");
        yield* [];
      },
    }),
    getPod(namespace, name) {
      lookedUp.push(name);
      return real.getPod(namespace, name);
    },
  };
  const fakeClock = createFakeClock();
  const directory = startPodDirectory(
    { kubernetes, clock: fakeClock, log: createKeptLog().log },
    { sessionTagLabels: ["team"] },
  );
  context.after(() => directory.stop());
  await directory.ready;
  return { emulator, directory, lookedUp, clock: fakeClock, identity: { ...IDENTITY, uid: pod.metadata.uid ?? "" } };
}

const permits = (found: PodInContext | Refusal) =>
  isRefusal(found) ? found.code : found.inherited.namespaceAnnotations["iam.amazonaws.com/permitted"];

test("confirm() sees what a blind watch does not: the namespace permits the role now", async (context) => {
  const { emulator, directory, identity } = await blindStage(context);
  assert.equal(permits(await directory.find(identity)), undefined);
  const namespace = emulator.store.get("namespaces", "", "team");
  const annotations = { "iam.amazonaws.com/permitted": ".*" };
  emulator.store.replace("namespaces", { ...namespace, metadata: { ...namespace?.metadata, annotations } });
  assert.equal(permits(await directory.find(identity)), undefined, "the cache is stale");
  assert.equal(permits(await directory.confirm(identity)), ".*");
});

test("confirm() makes one look-up for calls at the same time, and remembers it for 5 s", async (context) => {
  const { emulator, directory, identity, lookedUp, clock: time } = await blindStage(context);
  await Promise.all([directory.confirm(identity), directory.confirm(identity), directory.confirm(identity)]);
  emulator.store.remove("pods", "team", "web");
  assert.notEqual(permits(await directory.confirm(identity)), "POD_UNKNOWN", "remembered");
  assert.equal(lookedUp.length, 1);
  await time.advance(5_000);
  assert.equal(permits(await directory.confirm(identity)), "POD_UNKNOWN");
  assert.equal(lookedUp.length, 2);
});

test("find() looks a pod that is not cached up once in 5 s, however often its certificate is shown", async (context) => {
  const { directory, identity, lookedUp } = await blindStage(context);
  const gone = { ...identity, uid: "another" };
  for (let call = 0; call < 5; call++) assert.equal(permits(await directory.find(gone)), "POD_UNKNOWN");
  assert.equal(lookedUp.length, 1);
});

test("POD_NOT_INJECTED: find() and confirm() refuse a pod that has the label and none of podrole's parts", async (context) => {
  const { emulator, directory, pod } = await setUp(context);
  const uid = await pod("web");
  await directory.ready;
  const identity = { ...IDENTITY, uid };
  await until(() => directory.livingPods()?.has(uid) === true, "the pod in the cache");
  assert.equal(permits(await directory.find(identity)), "POD_NOT_INJECTED");
  assert.equal(permits(await directory.confirm(identity)), "POD_NOT_INJECTED");

  const unlabelled = { ...identity, name: "bare", uid: await pod("bare", {}) };
  assert.equal(permits(await directory.find(unlabelled)), "POD_NOT_INJECTED");
  const own = await createAndRead<Pod>(emulator, "/api/v1/namespaces/team/pods", {
    ...injectedPod({ name: "host", namespace: "team" }),
    spec: { ...injectedPod().spec, hostNetwork: true },
  });
  const host = { ...identity, name: "host", uid: own.metadata.uid ?? "" };
  assert.equal(permits(await directory.confirm(host)), "POD_NOT_INJECTED");
});

test("confirm() returns no result that is older than what the watch has seen: the pod is deleted", async (context) => {
  const { emulator, directory } = await setUp(context);
  const web = await createAndRead<Pod>(
    emulator,
    "/api/v1/namespaces/team/pods",
    injectedPod({ name: "web", namespace: "team" }),
  );
  const identity = { ...IDENTITY, uid: web.metadata.uid ?? "" };
  await until(() => directory.livingPods()?.has(identity.uid) === true, "the pod in the cache");
  assert.equal(isRefusal(await directory.confirm(identity)), false);
  emulator.store.remove("pods", "team", "web");
  await until(() => directory.livingPods()?.size === 0, "the deletion in the cache");
  assert.equal(permits(await directory.confirm(identity)), "POD_UNKNOWN");
  assert.equal(permits(await directory.find(identity)), "POD_UNKNOWN");
});

test("describe() returns the cached pod for a live one of the same version, and reads one of another version", async (context) => {
  const { emulator, directory } = await setUp(context);
  const injected = injectedPod({ name: "web", namespace: "team" });
  const live = await createAndRead<Pod>(emulator, "/api/v1/namespaces/team/pods", injected);
  await directory.ready;
  await until(() => directory.knownPod("team", "web") !== undefined, "the pod in the cache");
  const cached = directory.knownPod("team", "web");
  assert.equal(directory.describe(live), cached);
  const annotations = { "iam.amazonaws.com/role": "other" };
  const changed = { ...live, metadata: { ...live.metadata, annotations, resourceVersion: "0" } };
  assert.equal(directory.describe(changed).facts.annotations["iam.amazonaws.com/role"], "other");
  const again = { ...live, metadata: { ...live.metadata, uid: "another" } };
  assert.equal(directory.describe(again).uid, "another");
});

test("find() returns the same context until the namespace changes", async (context) => {
  const { emulator, directory } = await setUp(context);
  const pod = await createAndRead<Pod>(
    emulator,
    "/api/v1/namespaces/team/pods",
    injectedPod({ name: "web", namespace: "team" }),
  );
  await directory.ready;
  const identity = { ...IDENTITY, uid: pod.metadata.uid ?? "" };
  await until(() => directory.livingPods()?.has(identity.uid) === true, "the pod in the cache");
  const first = await directory.find(identity);
  assert.ok(!isRefusal(first));
  assert.equal(await directory.find(identity), first);
  const namespace = emulator.store.get("namespaces", "", "team");
  const annotations = { "iam.amazonaws.com/permitted": ".*" };
  emulator.store.replace("namespaces", { ...namespace, metadata: { ...namespace?.metadata, annotations } });
  await until(async () => permits(await directory.find(identity)) === ".*", "the changed namespace in the cache");
  assert.notEqual(await directory.find(identity), first);
});
