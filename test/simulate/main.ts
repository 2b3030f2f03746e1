// npm run simulate: podrole's programs on one virtual clock, in one process, with random faults from a seed.
// Exit codes: 0 every rule held, 1 a rule was broken (the message says how to repeat it), 2 wrong arguments.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { useStandIns } from "./stand-ins.ts";

const HELP = `npm run simulate -- [options]
Runs podrole's programs on a virtual clock with random faults, and checks rules as it goes.

  --days N             virtual time (default 90)
  --pods N             number of pods (default 500)
  --seed S             first seed (default 1); the same seed repeats a run
  --seeds N            number of seeds (default 1)
  --real-cryptography  real keys, signatures and DER; about ten times slower
  --scenario FILE      runs a scenario that was kept, instead of a seed
  --publish            writes the results to test/simulate/results.json, which docs/simulation.md shows
  --keep               keeps a failing scenario, shrunk, in test/simulate/kept/, which npm test repeats
  --short              what CI runs: 3 seeds of 2 days with 30 pods, and 6 hours of 20 pods with real cryptography
  --help               prints this text
Exit codes: 0 every rule held, 1 a rule was broken, 2 wrong arguments.
`;

function fail(problem: string): never {
  console.error(`simulate: ${problem}\n\n${HELP}`);
  process.exit(2);
}

function readOptions() {
  try {
    return parseArgs({
      options: {
        days: { type: "string", default: "90" },
        pods: { type: "string", default: "500" },
        seed: { type: "string", default: "1" },
        seeds: { type: "string", default: "1" },
        "real-cryptography": { type: "boolean", default: false },
        scenario: { type: "string" },
        publish: { type: "boolean", default: false },
        keep: { type: "boolean", default: false },
        short: { type: "boolean", default: false },
        help: { type: "boolean", default: false },
      },
    }).values;
  } catch (error) {
    return fail((error as Error).message);
  }
}

const options = readOptions();
if (options.help) {
  console.log(HELP);
  process.exit(0);
}
const [days, pods, seed, seeds] = [options.days, options.pods, options.seed, options.seeds].map(Number) as [
  number,
  number,
  number,
  number,
];
if (!(days > 0 && days <= 3_650)) fail("--days is not a number of days from above 0 to 3650");
if (!(Number.isInteger(pods) && pods >= 1 && pods <= 10_000)) fail("--pods is not a whole number from 1 to 10000");
if (!Number.isInteger(seed) || !(Number.isInteger(seeds) && seeds >= 1))
  fail("--seed and --seeds are not whole numbers");

const hasRealCryptography = options["real-cryptography"];
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
