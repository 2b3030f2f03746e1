// podrole explain against the API server emulator, with podrole installed.
import type { TestContext } from "node:test";
import { explainAction } from "../../../src/cli/commands/explain.ts";
import type { Flags } from "../../../src/cli/terminal.ts";
import type { Explanation } from "../../../src/operations/explain/model.ts";
import { createInstalledObjects } from "../../operations/check/healthy.ts";
import { type OperatorOptions, startOperatorCluster } from "./operator-cluster.ts";

/** Starts the cluster; `run` returns what the command said, in JSON unless other flags are given. */
export async function startExplain(context: TestContext) {
  const { kubernetes, store, runAction } = await startOperatorCluster(context);
  createInstalledObjects(store);
  const run = async (args: readonly string[], flags: Flags = {}, options?: OperatorOptions) => {
    const given = { namespace: "shop", output: "json", ...flags };
    const ended = await runAction(explainAction, args, given, options);
    const said = given.output === "json" && ended.out !== "" ? (JSON.parse(ended.out) as Explanation[]) : [];
    return { ...ended, said };
  };
  return { kubernetes, store, run };
}
