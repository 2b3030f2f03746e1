// Generates the tables of test/bench/README.md from the figures that benchmarks recorded with `--publish`.
import { outageResults } from "../test/bench/outage/results.ts";
import { overloadResults } from "../test/bench/overload/results.ts";
import { markdownTable } from "./markdown-table.ts";

/** Returns when and how the overload was measured, and a row for each figure. */
export function overloadTable(): string {
  const { date, commit, memoryMiB, cores, rows } = overloadResults.read();
  const run = `Measured on ${date}, commit ${commit}: a server with ${memoryMiB} MiB and ${cores} cores.`;
  const cells = rows.map(({ what, expected, measured, isMet }) => [what, expected, measured, formatMet(isMet)]);
  return `${run}\n\n${markdownTable(["", "expected", "measured", "met"], cells)}`;
}

/** Returns when the outages were measured, and a row for each outage; times in seconds after its end. */
export function outageTable(): string {
  const { date, commit, rows } = outageResults.read();
  const run = `Measured on ${date}, commit ${commit}; seconds after the end of the outage.`;
  const cells = rows.map(({ outage, readyMs, expected, isMet }) => {
    const at = (share: number) => secondsOfMs(readyMs[Math.ceil(share * readyMs.length) - 1]);
    return [outage, at(0.5), at(0.9), at(1), expected, formatMet(isMet)];
  });
  return `${run}\n\n${markdownTable(["outage", "half of the pods", "9 of 10", "all", "expected", "met"], cells)}`;
}

function formatMet(isMet: boolean): string {
  return isMet ? "yes" : "no";
}

function secondsOfMs(ms = Number.NaN): string {
  return (ms / 1_000).toFixed(1);
}
