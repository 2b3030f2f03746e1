// Pods whose role has no effect are reported on the controllers that created them: within limits, and no others.
import assert from "node:assert/strict";
import { suite, type TestContext, test } from "node:test";
import { until } from "../../../emulators/until.ts";
import type { ListWatch, OwnerEvent, WatchEvent } from "../../../src/kubernetes/api.ts";
import type { ObjectMeta, Pod } from "../../../src/kubernetes/objects.ts";
import { systemClock } from "../../../src/runtime/clock.ts";
import { startSkippedPods } from "../../../src/server/issue/skipped-pods.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { createKeptLog } from "../../fakes/log.ts";
import { createAndRead, podWithMetadata, startCluster } from "../../kubernetes/harness.ts";

const HOST_NETWORK = { "podrole.io/skipped": "HOST_NETWORK" };
const daemonSet = (uid: string) => ({ apiVersion: "apps/v1", kind: "DaemonSet", name: `agent-${uid}`, uid });

/** Starts the watch on a source that lists nothing and reports each given pod when `create()` is called. */
function setUp(context: TestContext, { fails = false }: { readonly fails?: boolean } = {}) {
  const clock = createFakeClock();
  const { log, lines } = createKeptLog();
  const written: OwnerEvent[] = [];
  const recorded: string[] = [];
  const queue: WatchEvent<Pod>[] = [];
  let wake = Promise.withResolvers<void>();
  const source: ListWatch<Pod> = {
    name: "pods",
    list: () => Promise.resolve({ items: [], resourceVersion: "1" }),
    async *watch({ signal }) {
      yield { type: "OPENED" } as const;
      signal.addEventListener("abort", () => wake.resolve());
      while (!signal.aborted) {
        yield* queue.splice(0);
        await wake.promise;
        wake = Promise.withResolvers<void>();
      }
    },
  };
  const recordOwnerEvent = (event: OwnerEvent) => {
    if (fails) return Promise.reject(new TypeError("the API server is unavailable"));
    written.push(event);
    return Promise.resolve("recorded" as const);
  };
  const kubernetes = { source: () => source as ListWatch<never>, recordOwnerEvent };
  const skipped = startSkippedPods({ kubernetes, clock, log, onRecorded: (reason) => recorded.push(reason) });
  context.after(() => skipped.stop());
  let count = 0;
  const create = async (owner: object | undefined, metadata: ObjectMeta = {}) => {
    const reference = owner && { controller: true, ...(owner as ReturnType<typeof daemonSet>) };
    const pod = podWithMetadata({
      name: `pod-${++count}`,
      namespace: "shop",
      labels: HOST_NETWORK,
      creationTimestamp: new Date(clock.now()).toISOString(),
      resourceVersion: String(10 + count),
      ...(reference && { ownerReferences: [reference] }),
      ...metadata,
    });
    queue.push({ type: "ADDED", object: pod });
    wake.resolve();
    await clock.advance(0);
  };
  return { clock, lines, written, recorded, create };
}

suite("startSkippedPods()", () => {
  test("records a warning on the pod's controller, with the skip reason", async (context) => {
    const { written, recorded, create } = setUp(context);
    await create(daemonSet("a"));
    const [event, ...more] = written;
    assert.deepEqual(more, []);
    assert.deepEqual(event?.owner, daemonSet("a"));
    assert.deepEqual([event?.namespace, event?.reason, recorded], ["shop", "HOST_NETWORK", ["HOST_NETWORK"]]);
    assert.equal(
      event?.message,
      'Pod "pod-1" starts without podrole, so its role has no effect: The pod uses its node\'s network, so every process of the node could reach the sidecar',
    );
  });

  const silent: readonly (readonly [string, object | undefined, ObjectMeta])[] = [
    ["that no controller has created", undefined, {}],
    ["with an owner that is no controller", { ...daemonSet("a"), controller: false }, {}],
    ["with an owner whose name no object can have", { ...daemonSet("a"), name: "-Al!x" }, {}],
    ["with an owner whose kind is longer than any", { ...daemonSet("a"), kind: "K".repeat(254) }, {}],
    ["whose label the webhook does not set", daemonSet("a"), { labels: { "podrole.io/skipped": "NO_ROLE" } }],
    ["whose label is a text of the author's", daemonSet("a"), { labels: { "podrole.io/skipped": "pay-me" } }],
    ["whose owner has no uid", { ...daemonSet("a"), uid: 7 }, {}],
    ["that is older than ten minutes", daemonSet("a"), { creationTimestamp: "2001-01-01T00:00:00Z" }],
  ];
  for (const [what, owner, metadata] of silent) {
    test(`records nothing for a pod ${what}`, async (context) => {
      const { written, create } = setUp(context);
      await create(owner, metadata);
      assert.deepEqual(written, []);
      await create(daemonSet("b"));
      assert.equal(written.length, 1);
    });
  }

  test("records one Event an hour for an owner with any number of pods", async (context) => {
    const { clock, written, create } = setUp(context);
    for (let pods = 0; pods < 50; pods++) await create(daemonSet("a"));
    assert.equal(written.length, 1);
    await clock.advance(60 * 60_000);
    await create(daemonSet("a"));
    assert.equal(written.length, 2);
  });

  test("records 20 owners of a namespace in an hour, and those of another namespace beside them", async (context) => {
    const { clock, written, create } = setUp(context);
    for (let owner = 0; owner < 60; owner++) {
      await create(daemonSet(`job-${owner}`));
      await clock.advance(2_000);
    }
    assert.equal(written.length, 20);
    await create(daemonSet("a"), { namespace: "pay" });
    assert.equal(written.length, 21);
  });

  test("records 20 Events at once, then one in two seconds", async (context) => {
    const { clock, written, create } = setUp(context);
    for (let each = 0; each < 60; each++) await create(daemonSet(`d-${each}`), { namespace: `n-${each}` });
    assert.equal(written.length, 20);
    await clock.advance(2_000);
    for (let each = 100; each < 110; each++) await create(daemonSet(`d-${each}`), { namespace: `n-${each}` });
    assert.equal(written.length, 21);
  });

  test("logs an Event that the API server does not accept, and goes on", async (context) => {
    const { lines, recorded, create } = setUp(context, { fails: true });
    await create(daemonSet("a"));
    assert.deepEqual(recorded, []);
    assert.match(JSON.stringify(lines), /could not record an Event/);
  });

  test("of two replicas one writes the Event, and no pod without the label is read", async (context) => {
    const { emulator, connect } = await startCluster(context);
    await createAndRead(emulator, "/api/v1/namespaces", { metadata: { name: "shop" } });
    const recorded: string[] = [];
    const { log } = createKeptLog();
    for (const replica of ["one", "two"]) {
      const kubernetes = await connect();
      const onRecorded = (reason: string) => recorded.push(`${replica} ${reason}`);
      const skipped = startSkippedPods({ kubernetes, clock: systemClock, log, onRecorded });
      context.after(() => skipped.stop());
    }
    const create = (name: string, labels: Record<string, string>) => {
      const ownerReferences = [{ ...daemonSet(name), controller: true }];
      const pod = podWithMetadata({ name, namespace: "shop", labels, ownerReferences });
      return createAndRead(emulator, "/api/v1/namespaces/shop/pods", pod);
    };
    await create("plain", {});
    await create("injected", { ...HOST_NETWORK, "podrole.io/injected": "true" });
    await create("agent", HOST_NETWORK);
    await create("windows", { "podrole.io/skipped": "WINDOWS" });
    const attempts = () =>
      emulator.audit.filter(({ verb, objectRef }) => verb === "create" && objectRef.resource === "events");
    await until(() => attempts().length === 4, "both replicas have tried both Events");
    const events = emulator.store.list("events").map(({ involvedObject }) => (involvedObject as { name: string }).name);
    assert.deepEqual(events.toSorted(), ["agent-agent", "agent-windows"]);
    await until(() => recorded.length === 2, "both Events counted");
  });
});
