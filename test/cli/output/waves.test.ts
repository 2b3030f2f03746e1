import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { wavesScript } from "../../../src/cli/output/waves.ts";
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

  test("labels no namespace in which podrole injects nothing", () => {
    assert.ok(!lines.some((line) => line.includes("label namespace kube-system")));
  });
});
