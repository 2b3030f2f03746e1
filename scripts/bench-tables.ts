// Generates the tables of test/bench/README.md from the figures that benchmarks recorded with `--publish`.
import { outageResults } from "../test/bench/outage/results.ts";
import { overloadResults } from "../test/bench/overload/results.ts";
import { referenceResults, targetText } from "../test/bench/reference/results.ts";
import { startResults } from "../test/bench/start/results.ts";
import { statusFigures } from "../test/bench/status/results.ts";
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

/** Returns when single pods were started, what podrole's part of a start is, and a row for each step. */
export function startTable(): string {
  const { date, commit, machine, starts, figures, rows } = startResults.read();
  const run = `Measured on ${date}, commit ${commit}, ${starts} starts of each variant (${machine}).`;
  const ratios = figures.map(({ what, value, unit }) => `- ${what}: **${value} ${unit}**`);
  const head = ["ms after the binding", "min", "p25", "median", "p75", "p95", "max", "added"];
  const cells = rows.map(({ what, added, min, p25, median, p75, p95, max }) =>
    [what, min, p25, median, p75, p95, max, added ?? ""].map(String),
  );
  return `${run}\n\n${ratios.join("\n")}\n\n${markdownTable(head, cells)}`;
}

/** Returns when podrole status was measured, and a row for each figure. */
export function statusBenchTable(): string {
  const found = statusFigures.find();
  if (found === undefined) return "Nothing has been published yet.";
  const { date, commit, machine, runs, figures } = found;
  const cells = figures.map(({ what, value, unit }) => [what, `${value} ${unit}`]);
  return `Measured on ${date}, commit ${commit}, medians of ${runs} runs (${machine}).\n\n${markdownTable(["", "measured"], cells)}`;
}

/** Returns a row for each figure that is compared with a bare program of the same run. */
export function referenceTable(): string {
  const rows = referenceResults.find()?.rows ?? [];
  if (rows.length === 0) return "Nothing has been published yet.";
  const head = ["", "reference", "podrole", "ratio", "target", "met", "commit"];
  const cells = rows.map((row) => {
    const { what, reference, unit, referenceValue, podroleValue, ratio, isMet, commit } = row;
    const met = isMet === undefined ? "" : formatMet(isMet);
    return [
      what,
      `${referenceValue} ${unit} (${reference})`,
      `${podroleValue} ${unit}`,
      `${ratio}`,
      targetText(row),
      met,
      commit,
    ];
  });
  const machines = Array.from(new Set(rows.map(({ date, machine }) => `${date}: ${machine}`)));
  return `Medians; each ratio is the median of the rounds' ratios. ${machines.join("; ")}.\n\n${markdownTable(head, cells)}`;
}

function formatMet(isMet: boolean): string {
  return isMet ? "yes" : "no";
}

function secondsOfMs(ms = Number.NaN): string {
  return (ms / 1_000).toFixed(1);
}
