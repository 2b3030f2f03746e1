// What explain, check and status say in situations in which operators ask what is wrong, against the API server
// emulator. Each output is printed (as a diagnostic). All three must name the same cause, remedy and next commands.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { checkAction } from "../../../src/cli/commands/check.ts";
import { explainAction } from "../../../src/cli/commands/explain.ts";
import { statusAction } from "../../../src/cli/commands/status.ts";
import { DENIAL_SITUATIONS } from "./denial-situations.ts";
import { INSTALLATION_SITUATIONS } from "./installation-situations.ts";
import { assertAnswer } from "./situation-answers.ts";
import { startSituationCluster } from "./situation-cluster.ts";
import { SITUATIONS } from "./situations.ts";

const ALL_SITUATIONS = [...SITUATIONS, ...DENIAL_SITUATIONS, ...INSTALLATION_SITUATIONS];

suite("situations in which operators ask what is wrong", { concurrency: false }, () => {
  for (const { name: what, object, prepare, answer, says = {} } of ALL_SITUATIONS) {
    test(`explain, check and status name cause and remedy of ${what}`, async (context) => {
      const cluster = await startSituationCluster(context);
      prepare(cluster);
      const { runAction } = cluster;
      const commands = {
        explain: () => runAction(explainAction, [object], { namespace: "shop" }),
        // The emulated cluster has neither metrics pages nor a webhook that answers.
        check: () => runAction(checkAction, [], { namespace: "shop", quiet: "true", skip: "PAGES,ADMISSION" }),
        status: () => runAction(statusAction, [], { namespace: "shop" }),
        wide: () => runAction(statusAction, [], { namespace: "shop", output: "wide" }),
        refusals: () => runAction(statusAction, ["refusals"], { namespace: "shop" }),
        trust: () => runAction(statusAction, ["trust"], {}),
      };
      for (const command of ["explain", "check", "status", "wide", "refusals", "trust"] as const) {
        const isMain = command === "explain" || command === "check" || command === "status";
        if (!isMain && says[command] === undefined) continue;
        const { out, err, exitCode } = await commands[command]();
        context.diagnostic(`${command} (exit code ${exitCode})\n${out}${err}`);
        if (isMain) assertAnswer(command, { out, exitCode }, answer);
        for (const pattern of says[command] ?? []) assert.match(out, pattern, `${command}: ${out}${err}`);
      }
    });
  }
});
