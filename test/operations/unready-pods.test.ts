import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { Pod } from "../../src/kubernetes/objects.ts";
import type { Deployment } from "../../src/operations/installed.ts";
import { readReplicaCount } from "../../src/operations/replica-count.ts";
import { unreadyReasons } from "../../src/operations/unready-pods.ts";
import { programDeployment } from "./check/healthy.ts";

const podOf = (status: object): Pod => ({ metadata: {}, spec: { containers: [] }, status }) as Pod;
const running = (container: object) => podOf({ containerStatuses: [{ ready: false, ...container }] });
const READY = podOf({ conditions: [{ type: "Ready", status: "True" }], containerStatuses: [{ ready: true }] });

suite("unreadyReasons()", () => {
  for (const [what, pod, expected] of [
    [
      "an image that cannot be pulled",
      running({ state: { waiting: { reason: "ImagePullBackOff", message: "Back-off pulling image" } } }),
      "1 pod: ImagePullBackOff: Back-off pulling image",
    ],
    [
      "a program that ends",
      running({
        state: { waiting: { reason: "CrashLoopBackOff", message: "back-off 5m0s restarting" } },
        lastState: { terminated: { exitCode: 1, reason: "Error", message: "no\nregion\n" } },
      }),
      "1 pod: CrashLoopBackOff, last ended with exit code 1: no region",
    ],
    [
      "a pod that no node has room for",
      podOf({
        conditions: [
          { type: "PodScheduled", status: "False", reason: "Unschedulable", message: "0/3 nodes available" },
        ],
      }),
      "1 pod: Unschedulable: 0/3 nodes available",
    ],
    ["a readiness probe that fails", running({ state: { running: {} } }), "1 pod: it runs and is not ready"],
    ["a pod without a status", podOf({}), "1 pod: no container has been started"],
  ] as const) {
    test(`names ${what}`, () => assert.deepEqual(unreadyReasons([pod, READY]), [expected]));
  }

  test("counts the pods of each reason, and leaves out the middle of long messages", () => {
    const message = `${"x".repeat(1000)}: no such host`;
    const waiting = (reason: string) => running({ state: { waiting: { reason, message } } });
    const [two = "", one = ""] = unreadyReasons([waiting("A"), waiting("B"), waiting("A")]);
    assert.match(two, /^2 pods: A: x+ \.\.\. x+: no such host$/);
    assert.match(one, /^1 pod: B: /);
    assert.ok(two.length < 330, `${two.length} characters`);
  });
});

suite("readReplicaCount()", () => {
  const away = { ...programDeployment("server"), status: {} };
  const read = (deployment: Deployment, pods: () => Promise<readonly Pod[]>) =>
    readReplicaCount({ listAll: pods as never }, "server", [deployment]);
  const waiting = running({ state: { waiting: { reason: "ImagePullBackOff" } } });

  test("returns the reasons if no replica is ready", async () => {
    const count = await read(away, async () => [waiting, waiting]);
    assert.deepEqual([count?.ready, count?.wanted, count?.reasons], [0, 2, ["2 pods: ImagePullBackOff"]]);
  });

  test("does not list pods if a replica is ready", async () => {
    const count = await read(programDeployment("server"), () => assert.fail("listed pods"));
    assert.deepEqual([count?.ready, count?.reasons], [2, undefined]);
  });

  test("returns no reasons if the pods may not be read", async () => {
    const count = await read(away, () => Promise.reject(new Error("forbidden")));
    assert.deepEqual([count?.ready, count?.reasons], [0, undefined]);
  });

  test("returns why the Deployment has no pod", async () => {
    const conditions = [{ type: "ReplicaFailure", status: "True", message: "exceeded quota: team" }];
    const count = await read({ ...away, status: { conditions } as never }, async () => []);
    assert.deepEqual(count?.reasons, ["it has no pod: exceeded quota: team"]);
  });
});
