// Generates the tables of docs/authorization-matrix.md from test/authorization/cells.ts.
import { CALLS, type CallId, type CellVerdict, cellsOf } from "../test/authorization/cells.ts";
import { markdownTable } from "./markdown-table.ts";

/** Returns one table per call: callers as rows, relations as columns. */
export function authorizationTables(): string {
  return (Object.keys(CALLS) as CallId[])
    .map((id) => {
      const { title, asks, relations, callers } = CALLS[id];
      const columns = Object.keys(relations);
      const rows = Object.values(callers).map(({ title: caller, verdicts }) =>
        [caller].concat(columns.map((relation) => verdictCell(verdicts[relation] ?? "404"))),
      );
      return `## ${title}\n\n${markdownTable([`caller ↓ · ${asks} →`, ...Object.values(relations)], rows)}`;
    })
    .join("\n\n");
}

/** Returns one sentence with the number of cells. */
export function authorizationCount(): string {
  const cells = (Object.keys(CALLS) as CallId[]).flatMap(cellsOf);
  const count = (verdict: CellVerdict) => cells.filter((cell) => cell.verdict === verdict).length;
  return `${cells.length} cells: ${count("yes")} allowed, ${count("own")} answered only with the caller's own data, the others refused.`;
}

function verdictCell(verdict: CellVerdict): string {
  if (verdict === "yes") return "**allowed**";
  return /^[A-Z_]{4,}$/.test(verdict) ? `refused: \`${verdict}\`` : verdict;
}
