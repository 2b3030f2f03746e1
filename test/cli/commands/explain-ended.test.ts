// What podrole explain says of pods whose sidecar has ended.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { healthyPod } from "../../operations/check/healthy.ts";
import { startExplain } from "./explain-cluster.ts";

suite("explainAction() on a sidecar that has ended", () => {
  test("opens with why a pod's sidecar last ended and what to do, and then says what it does", async (context) => {
    const { store, run } = await startExplain(context);
    const message = "STS_DENIED: Cannot assume role shop-orders -- Let the role trust the server.";
    const terminated = { exitCode: 1, message, finishedAt: "2026-06-01T10:00:00Z" };
    const entry = { name: "podrole-sidecar", restartCount: 2, state: { waiting: { reason: "CrashLoopBackOff" } } };
    const pod = healthyPod();
    store.create("pods", {
      ...pod,
      metadata: { ...pod.metadata, namespace: "shop" },
      status: { phase: "Pending", initContainerStatuses: [{ ...entry, lastState: { terminated } }] },
    });
    const { exitCode, out } = await run(["pod/orders"], { output: "text" });
    assert.equal(exitCode, 1);
    const state = "podrole-sidecar is not running: CrashLoopBackOff, restarted 2 times";
    const [, cause, remedy, ...rest] = out.split("\n");
    assert.equal(cause, "  cause: STS_DENIED: Cannot assume role shop-orders");
    assert.match(remedy ?? "", /^ {2}remedy: Find out in this order what is wrong, and correct that alone: /);
    assert.ok(rest.includes(`  ${state}; it last ended at 2026-06-01T10:00:00Z with STS_DENIED`), out);
    const { said } = await run(["pod/orders"]);
    assert.equal(said[0]?.existing?.state?.lastEnd?.code, "STS_DENIED");
  });

  test("says why the sidecar of a pod that has failed had no credentials, and that it needs a new pod", async (context) => {
    const { store, run } = await startExplain(context);
    const terminated = { exitCode: 1, message: "STS_DENIED: Cannot assume role shop-orders", finishedAt: "" };
    const pod = healthyPod();
    for (const [name, phase, state] of [
      ["failed", "Failed", { terminated }],
      ["succeeded", "Succeeded", { terminated: { exitCode: 0 } }],
    ] as const) {
      const status = { phase, initContainerStatuses: [{ name: "podrole-sidecar", restartCount: 0, state }] };
      store.create("pods", { ...pod, metadata: { ...pod.metadata, name, namespace: "shop" }, status });
    }
    const { exitCode, out } = await run(["pod/failed"], { output: "text" });
    assert.equal(exitCode, 1);
    assert.match(out, /^ {2}cause: STS_DENIED: Cannot assume role shop-orders$/m);
    assert.match(out, /^ {2}recovery: needs a new pod: this one has ended$/m);
    assert.match(out, /^ {2}the pod has ended: Failed\n {2}podrole-sidecar has ended; it last ended with STS_DENIED$/m);
    const well = await run(["pod/succeeded"], { output: "text" });
    assert.equal(well.exitCode, 0);
    assert.match(well.out, /^ {2}the pod has ended: Succeeded$/m);
    assert.doesNotMatch(well.out, /cause: /);
  });
});
