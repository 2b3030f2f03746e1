// Generates the table of docs/faults.md from the results that `npm run test:fault -- --publish` recorded.
import { type FaultResult, faultResults } from "../test/fault/results.ts";
import { markdownTable } from "./markdown-table.ts";

/** Returns where and when the faults were measured, as one sentence for each run. */
export function faultRun(): string {
  const { date, commit, rows } = faultResults.read();
  const healed = rows.filter(({ verdict }) => verdict === "healed").length;
  const runs = new Map<string, number>();
  for (const { measured } of rows) {
    const run = `on ${measured?.date ?? date}, commit ${measured?.commit ?? commit}`;
    runs.set(run, (runs.get(run) ?? 0) + 1);
  }
  const parts = [...runs].map(([run, count]) => (runs.size === 1 ? `Measured ${run}.` : `${count} measured ${run}.`));
  return [`${healed} of ${rows.length} healed by themselves.`, ...parts].join(" ");
}

/** Returns one row per fault. */
export function faultTable(): string {
  const rows = faultResults
    .read()
    .rows.map((row) => [
      row.title,
      formatTenths(row.lastedMs),
      row.failures === 0 ? "nothing" : row.reasons.join("; "),
      row.newcomerMs < 0 ? "meanwhile" : `${formatTenths(row.newcomerMs)} after`,
      row.operator.map((sight) => `\`${sight}\``).join(", ") || "nothing",
      row.verdict === "healed" ? `yes, ${formatTenths(row.healedMs)} after` : "no",
    ]);
  const head = ["fault", "lasted", "the app saw", "a new pod had credentials", "the operator saw", "healed by itself"];
  return markdownTable(head, rows);
}

function formatTenths(ms: FaultResult["healedMs"]): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
