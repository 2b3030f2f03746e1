// Tables for a terminal. Cells may hold text of untrusted origin: characters that control a terminal are escaped.
import { visible } from "./visible.ts";

/** A line for the head and one for each row; each column is as wide as its widest cell. */
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
