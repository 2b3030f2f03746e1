// Rows for people: columns as wide as what stands in them. What pods' authors wrote may hold anything, also what would
// steer a terminal: it is shown, not obeyed.
import { visible } from "../../cli/output/visible.ts";

/** Text with a line for the head and one for each row. */
export function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, ...rows].map((cells) => cells.map(visible));
  const widths = head.map((_, column) => Math.max(...lines.map((cells) => cells[column]?.length ?? 0)));
  const lineOf = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("   ")
      .trimEnd();
  return `${lines.map(lineOf).join("\n")}\n`;
}
