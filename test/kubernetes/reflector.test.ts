// The reflector with an API server that misbehaves, over real sockets. Waiting times are those of the fake clock.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { PolicyRule } from "../../emulators/kubernetes/access.ts";
import { until } from "../../emulators/until.ts";
import type { Selector } from "../../src/kubernetes/api.ts";
import type { Pod } from "../../src/kubernetes/objects.ts";
import { type Reflector, type ReflectorOptions, startReflector } from "../../src/kubernetes/reflector.ts";
import { createFakeClock } from "../fakes/clock.ts";
import { createKeptLog } from "../fakes/log.ts";
import { createAndRead, podWithMetadata, startCluster } from "./harness.ts";

const PODS = "/api/v1/namespaces/default/pods";

interface Setting {
  readonly selector?: Selector;
  readonly options?: Partial<ReflectorOptions<Pod, Pod>>;
  readonly pods?: readonly string[];
  readonly rules?: readonly PolicyRule[];
}

/** Starts an API server with some pods, and a reflector of them. */
async function observe(test: TestContext, { selector, options, pods = [], rules }: Setting = {}) {
  const clock = createFakeClock();
  const cluster = await startCluster(test, { clock });
  const { emulator } = cluster;
  for (const name of pods) await createAndRead(emulator, PODS, podWithMetadata({ name }));
  if (rules) emulator.restrict("viewer", rules);
  const kubernetes = await cluster.connect("viewer");
  const { log, lines } = createKeptLog();
  const source = kubernetes.source<Pod>("pods", selector);
  const reflector = startReflector(
    { source, clock, log, random: () => 0.5 },
    { project: (pod: Pod) => pod, ...options },
  );
  test.after(() => reflector.stop());
  const requests = (verb: string) =>
    emulator.audit.filter(
      (event) => event.verb === verb && (event.stage !== "ResponseComplete") === (verb === "watch"),
    );
  return { clock, emulator, reflector, lines, requests };
}

/** Each failure logs one line, before the wait that follows it. */
const failuresIn = (lines: readonly Readonly<Record<string, unknown>>[]) =>
  lines.filter(({ waitMs }) => waitMs !== undefined).length;

const names = (reflector: Reflector<Pod>) => reflector.list().map(({ metadata }) => metadata.name);

/** Also waits until the watch is open, so that later changes arrive through it. */
async function watching({ emulator, reflector }: Awaited<ReturnType<typeof observe>>): Promise<void> {
  await reflector.ready;
  await until(() => emulator.watches.size === 1, "the watch is open");
}

test("startReflector(): reads nothing of an object of more than 2 MiB in a watch, and caches it again once it is smaller", async (t) => {
  const observed = await observe(t, { pods: ["a", "b"] });
  const { emulator, reflector, lines } = observed;
  await watching(observed);
  const write = (text: string) => {
    // The fields stay in the order in which the API server writes them.
    const pod = emulator.store.get("pods", "default", "a");
    const { resourceVersion: _version, ...metadata } = pod.metadata;
    emulator.store.replace("pods", { ...pod, metadata: { ...metadata, annotations: { text } } });
  };
  write("x".repeat(2.1 * 1024 * 1024));
  await until(() => names(reflector).join() === "b", "the large object is not cached");
  write("small");
  await until(() => reflector.get("default/a")?.metadata.annotations?.["text"] === "small", "it is cached again");
  assert.deepEqual([failuresIn(lines), emulator.watches.size], [0, 1]);
});

test("startReflector(): ready resolves after all pages of the first list", async (t) => {
  const { reflector, requests } = await observe(t, { pods: ["a", "b", "c", "d", "e"], options: { pageSize: 2 } });
  assert.equal(reflector.ageMs(), Number.POSITIVE_INFINITY);
  await reflector.ready;
  assert.deepEqual(names(reflector), ["a", "b", "c", "d", "e"]);
  assert.equal(reflector.get("default/c")?.metadata.name, "c");
  assert.equal(reflector.ageMs(), 0);
  assert.equal(requests("list").length, 3);
});

test("startReflector(): changes arrive through the watch, without another list", async (t) => {
  const observed = await observe(t, { pods: ["a"] });
  const { emulator, reflector, requests } = observed;
  await watching(observed);
  const pod = await createAndRead<Pod>(emulator, PODS, podWithMetadata({ name: "b" }));
  emulator.store.replace("pods", { ...pod, metadata: { ...pod.metadata, labels: { tier: "web" } } });
  emulator.store.remove("pods", "default", "a");
  await until(() => names(reflector).join() === "b", "the last change");
  assert.deepEqual(reflector.get("default/b")?.metadata.labels, { tier: "web" });
  assert.equal(requests("list").length, 1);
});

test("startReflector(): a pod that leaves the label selector leaves the cache", async (t) => {
  const observed = await observe(t, { selector: { labelSelector: "podrole.io/injected=true" }, pods: ["plain"] });
  const { emulator, reflector } = observed;
  await watching(observed);
  const pod = await createAndRead<Pod>(
    emulator,
    PODS,
    podWithMetadata({ name: "web", labels: { "podrole.io/injected": "true" } }),
  );
  await until(() => names(reflector).length === 1, "the pod is seen");
  emulator.store.replace("pods", { ...pod, metadata: { ...pod.metadata, labels: {} } });
  await until(() => names(reflector).length === 0, "the pod is gone");
});

test("startReflector(): a single object is followed by a field selector, with rights only to that object", async (t) => {
  const rules = [{ apiGroups: [""], resources: ["pods"], resourceNames: ["b"], verbs: ["list", "watch"] }];
  const selector = { namespace: "default", fieldSelector: "metadata.name=b" };
  const observed = await observe(t, { selector, rules, pods: ["a", "b"] });
  const { emulator, reflector } = observed;
  await watching(observed);
  assert.deepEqual(names(reflector), ["b"]);
  emulator.store.remove("pods", "default", "a");
  emulator.store.remove("pods", "default", "b");
  await until(() => names(reflector).length === 0, "b is gone");
});

test("startReflector(): a dropped watch resumes where it was, without a gap and without another list", async (t) => {
  const observed = await observe(t, { pods: ["a"] });
  const { clock, emulator, reflector, requests } = observed;
  await watching(observed);
  emulator.faults.dropWatches();
  await until(() => failuresIn(observed.lines) === 1, "the drop is noticed");
  await createAndRead(emulator, PODS, podWithMetadata({ name: "b" }));
  assert.deepEqual(names(reflector), ["a"]);
  await clock.advance(1_000);
  await until(() => names(reflector).length === 2, "the pod that came in between");
  assert.equal(requests("list").length, 1);
  assert.equal(requests("watch").length, 2);
});

for (const goneAs of ["event", "status"] as const) {
  test(`startReflector(): 410 Gone as ${goneAs} leads to a new list`, async (t) => {
    const observed = await observe(t, { pods: ["a", "b"] });
    const { clock, emulator, reflector, requests } = observed;
    await watching(observed);
    emulator.faults.goneAs = goneAs;
    emulator.faults.dropWatches();
    await until(() => failuresIn(observed.lines) === 1, "the drop is noticed");
    emulator.store.remove("pods", "default", "a");
    emulator.faults.compact();
    await clock.advance(1_000);
    await until(() => failuresIn(observed.lines) === 2, "the 410");
    await clock.advance(2_000);
    await until(() => names(reflector).length === 1, "the relist");
    assert.deepEqual(names(reflector), ["b"]);
    assert.equal(requests("list").length, 2);
  });
}

test("startReflector(): a silent watch is reopened, which confirms the cache and logs no warning", async (t) => {
  const observed = await observe(t, { pods: ["a"] });
  const { clock, emulator, reflector, requests, lines } = observed;
  await watching(observed);
  for (let round = 2; round <= 4; round++) {
    await clock.advance(90_000);
    await until(() => requests("watch").length === round && emulator.watches.size === 1, "reopened");
    await until(() => reflector.ageMs() === 0, "the proof");
  }
  assert.equal(requests("list").length, 1);
  assert.deepEqual(
    lines.filter(({ level }) => Number(level) > 30),
    [],
  );
});

test("startReflector(): a watch whose connection is dead is ended and reopened", async (t) => {
  const observed = await observe(t, { pods: ["a"], options: { inactivityMs: 45_000 } });
  const { clock, emulator, reflector, requests } = observed;
  await watching(observed);
  emulator.faults.stall = true;
  await createAndRead(emulator, PODS, podWithMetadata({ name: "b" }));
  await clock.advance(44_000);
  assert.deepEqual([reflector.ageMs(), names(reflector).length], [44_000, 1]);
  emulator.faults.stall = false;
  await clock.advance(1_000);
  await until(() => names(reflector).length === 2, "the pod that the silent watch kept back");
  assert.deepEqual([requests("list").length, requests("watch").length], [1, 2]);
});

test("startReflector(): an API server that stops responding is noticed, and the age grows", async (t) => {
  const observed = await observe(t, { options: { inactivityMs: 45_000 } });
  const { clock, emulator, reflector, lines } = observed;
  await watching(observed);
  emulator.faults.stall = true;
  await clock.advance(45_000);
  await until(() => emulator.watches.size === 0, "the silent watch is given up");
  await clock.advance(45_000);
  await until(() => failuresIn(lines) === 1, "no response");
  assert.match(JSON.stringify(lines.at(-1)), /no response came within 45000 ms/);
  assert.equal(reflector.ageMs(), 90_000);
});

test("startReflector(): bookmarks confirm the cache of an unchanged resource", async (t) => {
  const observed = await observe(t, { pods: ["a"] });
  const { clock, emulator, reflector } = observed;
  await watching(observed);
  // One bookmark a minute, 90 s of silence allowed: five minutes pass without a new watch.
  for (let minute = 0; minute < 5; minute++) {
    await createAndRead(emulator, "/api/v1/namespaces/default/configmaps", {
      metadata: { name: `elsewhere-${minute}` },
    });
    await clock.advance(60_000);
    await until(() => reflector.ageMs() === 0, "a bookmark");
  }
  assert.equal(observed.requests("watch").length, 1);
});

test("startReflector(): a scheduled list finds changes that the watch never reported", async (t) => {
  const options = { relistMs: 600_000, inactivityMs: 3_600_000 };
  const observed = await observe(t, { pods: ["a", "b"], options });
  const { clock, emulator, reflector } = observed;
  await watching(observed);
  emulator.faults.stall = true;
  emulator.faults.only = ({ verb }) => verb === "watch";
  emulator.store.remove("pods", "default", "a");
  await createAndRead(emulator, PODS, podWithMetadata({ name: "c" }));
  await clock.advance(599_000);
  assert.deepEqual(names(reflector), ["a", "b"]);
  await clock.advance(1_000);
  await until(() => reflector.get("default/c") !== undefined, "the list");
  assert.deepEqual(names(reflector), ["b", "c"]);
});

test("startReflector(): a list whose version expires between two pages each time is read in one piece", async (t) => {
  const cluster = await startCluster(t);
  const { emulator } = cluster;
  for (const name of ["a", "b", "c"]) await createAndRead(emulator, PODS, podWithMetadata({ name }));
  emulator.faults.only = ({ query }) => {
    if (query.has("continue")) emulator.faults.compact();
    return false;
  };
  const source = (await cluster.connect()).source<Pod>("pods");
  const { log } = createKeptLog();
  const clock = createFakeClock();
  const reflector = startReflector({ source, clock, log }, { project: (pod: Pod) => pod, pageSize: 2 });
  t.after(() => reflector.stop());
  await reflector.ready;
  assert.deepEqual(names(reflector), ["a", "b", "c"]);
});

test("startReflector(): a missing permission is logged at each attempt, and the cache fills once it is granted", async (t) => {
  const none = [{ apiGroups: [""], resources: ["configmaps"], verbs: ["list"] }];
  const { clock, emulator, reflector, lines } = await observe(t, { rules: none, pods: ["a"] });
  await until(() => failuresIn(lines) === 1, "the refusal");
  assert.match(JSON.stringify(lines.at(-1)), /expected permission to list pods in the cluster/);
  assert.equal(reflector.ageMs(), Number.POSITIVE_INFINITY);
  emulator.restrict("viewer", [{ apiGroups: [""], resources: ["pods"], verbs: ["list", "watch"] }]);
  await clock.advance(1_000);
  await reflector.ready;
  assert.deepEqual(names(reflector), ["a"]);
});

test("startReflector(): waits double up to a cap, and start from the beginning after a success", async (t) => {
  const observed = await observe(t, { options: { backoffMs: { base: 500, cap: 4_000 } } });
  const { clock, emulator, reflector, lines } = observed;
  await watching(observed);
  const waits = () => lines.flatMap(({ waitMs }) => (waitMs === undefined ? [] : [waitMs]));
  emulator.faults.status = { code: 503 };
  emulator.faults.dropWatches();
  for (let failure = 1; failure <= 6; failure++) {
    await until(() => waits().length === failure, `failure ${failure}`);
    await clock.advance(4_000);
  }
  assert.deepEqual(waits().slice(0, 6), [500, 1000, 2000, 4000, 4000, 4000]);
  await until(() => waits().length === 7, "the last failure");
  emulator.faults.status = undefined;
  await clock.advance(4_000);
  await until(() => emulator.watches.size === 1, "the watch is open again");
  await createAndRead(emulator, PODS, podWithMetadata({ name: "a" }));
  await until(() => names(reflector).length === 1, "an event");
  emulator.faults.dropWatches();
  await until(() => waits().length === 8, "the next failure");
  assert.equal(waits().at(-1), 500);
});

test("startReflector(): a throttling API server gets the time that it requests", async (t) => {
  const observed = await observe(t);
  const { clock, emulator } = observed;
  await watching(observed);
  emulator.faults.status = { code: 429, retryAfterSeconds: 20 };
  emulator.faults.dropWatches();
  await until(() => failuresIn(observed.lines) === 1, "the drop");
  await clock.advance(500);
  await until(() => failuresIn(observed.lines) === 2, "the 429");
  const refused = () => emulator.audit.filter(({ responseStatus }) => responseStatus.code === 429).length;
  await until(() => refused() === 1, "the 429 is on record");
  await clock.advance(19_000);
  assert.equal(refused(), 1);
  await clock.advance(1_000);
  await until(() => refused() === 2, "requested again");
});

test("stop() ends the watch and is final", async (t) => {
  const observed = await observe(t, { pods: ["a"] });
  const { clock, emulator, reflector, requests } = observed;
  await watching(observed);
  reflector.stop();
  await until(() => emulator.watches.size === 0, "the watch is closed");
  await clock.advance(3_600_000);
  assert.equal(requests("list").length, 1);
  assert.deepEqual(names(reflector), ["a"]);
});
