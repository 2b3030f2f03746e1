// Generates the tables of test/bench/README.md from the figures that benchmarks recorded with `--publish`.
import { overloadResults } from "../test/bench/overload/results.ts";
import { markdownTable } from "./markdown-table.ts";

/** Returns when and how the overload was measured, and a row for each figure. */
export function overloadTable(): string {
  const { date, commit, memoryMiB, cores, rows } = overloadResults.read();
  const run = `Measured on ${date}, commit ${commit}: a server with ${memoryMiB} MiB and ${cores} cores.`;
  const cells = rows.map(({ what, expected, measured, isMet }) => [what, expected, measured, isMet ? "yes" : "no"]);
  return `${run}\n\n${markdownTable(["", "expected", "measured", "met"], cells)}`;
}
