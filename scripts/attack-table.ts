// Generates the table of docs/attack.md from the results that `npm run test:attack -- --publish` recorded.
import { attackResults } from "../test/attack/results.ts";
import { markdownTable } from "./markdown-table.ts";

/** Returns where and when the attacks were measured, as one sentence. */
export function attackRun(): string {
  const { date, commit, kernel, cpu, seconds, rows } = attackResults.read();
  const held = rows.filter(({ verdict }) => verdict === "held").length;
  const machine = `${cpu}, Linux ${kernel}`;
  return `${held} of ${rows.length} held. Each was measured for ${seconds} s on ${date}, commit ${commit}, ${machine}.`;
}

/** Returns one row per attack and kind of address. */
export function attackTable(): string {
  const rows = attackResults
    .read()
    .rows.map((row) => [
      row.title,
      row.address,
      row.program,
      `${row.peakMib} of ${row.limitMib}`,
      `${row.quietP50} / ${row.quietP99}`,
      `${row.besideP50} / ${row.besideP99}`,
      `${row.failures} of ${row.calls}`,
      row.cpu.toFixed(2),
      row.verdict,
    ]);
  const head = ["attack", "address", "program", "peak MiB", "quiet p50 / p99 ms", "beside p50 / p99 ms"];
  return markdownTable([...head, "failed", "CPU", "verdict"], rows);
}
