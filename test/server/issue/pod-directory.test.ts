import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { systemClock as clock } from "../../../src/runtime/clock.ts";
import { createPodDirectory } from "../../../src/server/issue/pod-directory.ts";
import { createKeptLog } from "../../fakes/log.ts";
import { create, podOf, startCluster, until } from "../../kubernetes/harness.ts";

const LABELS = { "podrole.io/injected": "true" };

async function stage(context: TestContext) {
  const { emulator, connect } = await startCluster(context);
  await create(emulator, "/api/v1/namespaces", { metadata: { name: "team" } });
  const directory = createPodDirectory({ kubernetes: await connect(), clock, log: createKeptLog().log });
  context.after(() => directory.stop());
  return {
    emulator,
    directory,
    pod: async (name: string, labels: Record<string, string> = LABELS) => {
      const pod = podOf({ name, namespace: "team", labels });
      return (await create<{ metadata: { uid: string } }>(emulator, "/api/v1/namespaces/team/pods", pod)).metadata.uid;
    },
  };
}

test("livingPods() is undefined before the first list, so that no pod counts as gone", async (context) => {
  const { directory } = await stage(context);
  assert.equal(directory.livingPods(), undefined);
  await directory.ready;
  assert.equal(directory.livingPods()?.size, 0);
});

test("livingPods() contains injected pods that have not finished, and follows the watch", async (context) => {
  const { emulator, directory, pod } = await stage(context);
  await directory.ready;
  const [web, job, other] = [await pod("web"), await pod("job"), await pod("other", {})];
  await until(() => directory.livingPods()?.has(job) === true, "both pods in the cache");
  assert.deepEqual([directory.livingPods()?.has(web), directory.livingPods()?.has(other)], [true, false]);

  const finished = emulator.store.get("pods", "team", "job");
  emulator.store.replace("pods", { ...finished, status: { phase: "Succeeded" } });
  emulator.store.remove("pods", "team", "web");
  await until(() => directory.livingPods()?.size === 0, "no living pod: one has finished, the other is deleted");
});
