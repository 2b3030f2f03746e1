import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { Pod } from "../../../src/kubernetes/objects.ts";
import type { KubernetesObject } from "../../../src/operations/manifests/parse-objects.ts";
import { movesByRisk, planWaves } from "../../../src/operations/migrate/waves.ts";
import { injectedPod } from "../../injection/injected-pod.ts";
import { clusterExport, KIAM } from "./cluster-export.ts";
import { reportOf } from "./report-of.ts";

const kiam = reportOf("kiam", clusterExport(KIAM).items);

suite("planWaves()", () => {
  test("starts with the namespace where nothing changes, and postpones those that need work", () => {
    const { waves, postponed } = planWaves(kiam, 2);
    assert.deepEqual(
      waves.map((wave) => wave.map(({ name, risk }) => [name, risk])),
      [
        [["shop", 0]],
        [
          ["analytics", 1],
          ["payments", 1],
        ],
      ],
    );
    assert.deepEqual(
      postponed.map(({ name }) => name),
      ["kube-system", "monitoring", "data", "platform", "ci", "legacy", "search", "logging"],
    );
    assert.ok(postponed.every(({ risk }) => risk === 2));
  });

  test("makes no empty wave", () => assert.equal(planWaves(kiam, 50).waves.length, 3));
});

suite("movesByRisk()", () => {
  test("leaves out pods that are already injected, which the report counts", () => {
    const items = structuredClone(clusterExport(KIAM).items) as KubernetesObject[];
    const { initContainers, volumes } = injectedPod().spec;
    for (const item of items) {
      const { kind, metadata } = item;
      const isInjected = kind === "Pod" && metadata.namespace === "shop" && metadata.labels?.["app"] !== "front";
      if (isInjected) Object.assign(item["spec"] as Pod["spec"], { initContainers, volumes });
    }
    const later = reportOf("kiam", items);
    assert.equal(later.moved, 21);
    assert.deepEqual(later.counts, kiam.counts);
    assert.ok(movesByRisk(later).every(({ name }) => name !== "shop"));
    assert.ok(movesByRisk(kiam).some(({ name }) => name === "shop"));
  });
});
