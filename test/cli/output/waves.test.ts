import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";
import { wavesScript } from "../../../src/cli/output/waves.ts";
import { parseObjects } from "../../../src/operations/manifests/parse-objects.ts";
import { planWaves } from "../../../src/operations/migrate/waves.ts";
import { clusterExport, KIAM } from "../../operations/migrate/cluster-export.ts";
import { reportOf } from "../../operations/migrate/report-of.ts";

const lines = wavesScript(planWaves(reportOf("kiam", clusterExport(KIAM).items), 2)).split("\n");
const commands = lines.filter((line) => line !== "" && !line.startsWith("#"));

suite("wavesScript()", () => {
  test("prints only commands that can be run as they are, and everything else as comments", () => {
    assert.ok(commands.every((line) => /^kubectl (label namespace|-n [\w-]+ (rollout restart|get pods)) /.test(line)));
    assert.deepEqual(
      commands.filter((line) => line.startsWith("kubectl label")),
      ["shop", "analytics", "payments"].map((name) => `kubectl label namespace ${name} podrole.io/inject=enabled`),
    );
    assert.equal(lines.filter((line) => /^# Wave \d of 2/.test(line)).length, 2);
  });

  test("explains a restart that has no command", () => {
    assert.ok(lines.includes("# daemonset/fluent-bit has updateStrategy OnDelete: delete its pods one at a time"));
  });

  test("restarts nothing that an operator owns, and names the owner", async () => {
    const file = join(import.meta.dirname, "../../fixtures/manifests/operator-owned.json");
    const { objects } = parseObjects(await readFile(file, "utf8"), "file");
    const stateful = {
      ...{ apiVersion: "apps/v1", kind: "StatefulSet" },
      metadata: {
        name: "metrics",
        namespace: "db",
        ownerReferences: [{ kind: "Prometheus", name: "k8s", controller: true }],
      },
      spec: {},
    };
    const pod = {
      kind: "Pod",
      metadata: {
        ...{ name: "metrics-0", namespace: "db" },
        annotations: { "iam.amazonaws.com/role": "arn:aws:iam::123456789012:role/shop-backup" },
        ownerReferences: [{ apiVersion: "apps/v1", kind: "StatefulSet", name: "metrics", controller: true }],
      },
      spec: { containers: [{ name: "app", image: "a" }] },
    };
    const script = wavesScript(planWaves(reportOf("kiam", [...objects, stateful, pod]), 1));
    for (const line of [
      "# Cluster/orders (postgresql.cnpg.io/v1) belongs to an operator: restart its pods as the operator documents",
      "# StrimziPodSet/kafka (core.strimzi.io/v1beta2) belongs to an operator: restart its pods as the operator documents",
      "# rollout/front: kubectl argo rollouts -n db restart front",
      "# pod/agent-1 has no controller: it is injected when it is created again",
      "# statefulset/metrics is managed by Prometheus/k8s: restart it as its operator documents",
    ])
      assert.ok(script.includes(`${line}\n`), `${line}\n${script}`);
    assert.doesNotMatch(script, /delete (this|pod)|rollout restart/);
  });

  test("leaves out a namespace that is done, and a Job that has finished", () => {
    const template = {
      metadata: { annotations: { "iam.amazonaws.com/role": "arn:aws:iam::123456789012:role/other" } },
      spec: { containers: [{ name: "app", image: "a" }] },
    };
    const scriptOf = (labels: object, kind: string, status: object) =>
      wavesScript(
        planWaves(
          reportOf("kiam", [
            { kind: "Namespace", metadata: { name: "shop", labels: labels as Record<string, string> } },
            {
              kind,
              metadata: { name: "x", namespace: "shop" },
              spec: { jobTemplate: { spec: { template } }, template },
              status,
            },
          ]),
          1,
        ),
      );
    const ended = { conditions: [{ type: "Complete", status: "True" }] };
    assert.match(scriptOf({}, "CronJob", {}), /Do not migrate[^]*# shop:/);
    assert.doesNotMatch(scriptOf({ "podrole.io/inject": "enabled" }, "CronJob", {}), /shop/);
    assert.match(scriptOf({}, "Job", {}), /job\/x/);
    assert.doesNotMatch(scriptOf({}, "Job", ended), /job\/x/);
  });

  test("labels no namespace in which podrole injects nothing", () => {
    assert.ok(!lines.some((line) => line.includes("label namespace kube-system")));
  });
});
