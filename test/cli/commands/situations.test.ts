// What explain, check and status say in situations in which operators ask what is wrong, against the API server
// emulator. Each output is printed (as a diagnostic), and must name the cause and what to do.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { checkAction } from "../../../src/cli/commands/check.ts";
import { explainAction } from "../../../src/cli/commands/explain.ts";
import { statusAction } from "../../../src/cli/commands/status.ts";
import { startSituationCluster } from "./situation-cluster.ts";
import { SITUATIONS } from "./situations.ts";

suite("situations in which operators ask what is wrong", { concurrency: false }, () => {
  for (const { name: what, object, prepare, says, cause, remedy, statusExitCode = 1 } of SITUATIONS) {
    test(`explain, check and status name cause and remedy of ${what}`, async (context) => {
      const cluster = await startSituationCluster(context);
      prepare(cluster);
      const { runAction } = cluster;
      const commands = {
        explain: () => runAction(explainAction, [object], { namespace: "shop" }),
        // The emulated cluster has neither metrics pages nor a webhook that answers.
        check: () => runAction(checkAction, [], { namespace: "shop", quiet: "true", skip: "PAGES,ADMISSION" }),
        status: () => runAction(statusAction, [], { namespace: "shop" }),
        refusals: () => runAction(statusAction, ["refusals"], { namespace: "shop" }),
        trust: () => runAction(statusAction, ["trust"], {}),
      };
      for (const [name, patterns] of Object.entries(says)) {
        const { out, err, exitCode } = await commands[name as keyof typeof commands]();
        context.diagnostic(`${name} (exit code ${exitCode})\n${out}${err}`);
        if (name === "status") assert.equal(exitCode, statusExitCode);
        for (const pattern of patterns) assert.match(out, pattern, `${name}: ${out}${err}`);
        if (name !== "explain") continue;
        const [, second = "", third = ""] = out.split("\n");
        if (cause !== undefined) assert.match(second, cause, out);
        if (remedy !== undefined) assert.match(third, remedy, out);
      }
    });
  }
});
