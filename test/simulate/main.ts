// npm run simulate: podrole's programs on one virtual clock, in one process, with random faults from a seed.
// Exit codes: 0 every rule held, 1 a rule was broken (the message says how to repeat it), 2 wrong arguments.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { startScript } from "../../scripts/command-line/start-script.ts";
import { useStandIns } from "./stand-ins.ts";

const { values: options } = startScript("simulate");
const { days, pods, seed, seeds } = options;

const hasRealCryptography = options.realCryptography;
useStandIns({ hasRealCryptography });
// Programs create errors for ordinary refusals, and recording the stack of each takes longer than the refusal itself.
Error.stackTraceLimit = 0;
const { currentCommit } = await import("../published-results.ts");
const { publishRun } = await import("./results.ts");
const { repeatedRuns, runAndReport } = await import("./report.ts");
const { scenarioOf } = await import("./scenario.ts");

if (options.short) process.exit(await repeatedRuns(import.meta.filename));
const commit = currentCommit();
console.error(`simulate: commit ${commit || "unknown"}`);
let failed = 0;
const scenarios = options.scenario
  ? [JSON.parse(readFileSync(options.scenario, "utf8")) as ReturnType<typeof scenarioOf>]
  : Array.from({ length: seeds }, (_, at) => scenarioOf(seed + at, { days, pods }));
for (const scenario of scenarios) {
  const { result, shrunk } = await runAndReport(scenario, { hasRealCryptography });
  if (options.publish) publishRun(result, commit);
  if (shrunk === undefined) continue;
  failed += 1;
  const file = join(import.meta.dirname, "kept", `seed-${scenario.seed}.json`);
  if (options.keep) writeFileSync(file, `${JSON.stringify(shrunk, null, 2)}\n`);
  console.log(options.keep ? `kept in ${file}` : "run it again with --keep to keep the shrunk scenario as a test");
}
console.log(`${scenarios.length} runs, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
