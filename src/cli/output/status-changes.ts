// The rows that --watch prints: those that are new or have changed since they were printed last, in the columns of the
// first table.
import type { Status } from "../../operations/status/model.ts";
import type { StatusTextOptions } from "./status.ts";
import { statusTable } from "./status-columns.ts";
import { columnWidths, escapeControls, tableLine } from "./text.ts";

/** Finds changed rows. */
export interface RowChanges {
  /** Returns a line for each row that was not printed like this before. */
  linesOf(status: Status): readonly string[];
}

/** `first` is the status that has been printed. */
export function createRowChanges(first: Status, { isWide, paint }: StatusTextOptions): RowChanges {
  const { head, rows } = statusTable(first, isWide);
  const widths = columnWidths([head, ...rows.map((cells) => cells.map(({ text }) => escapeControls(text)))]);
  let printed = new Set(keysOf(first));
  return {
    linesOf(status) {
      const keys = keysOf(status);
      const lines = statusTable(status, isWide).rows.flatMap((cells, row) => {
        if (printed.has(keys[row] ?? "")) return [];
        const texts = cells.map(({ text }) => escapeControls(text));
        return [tableLine(texts, widths, (text, column) => paint(text, cells[column]?.tone ?? "plain"))];
      });
      printed = new Set(keys);
      return lines;
    },
  };
}

/** Rows have times, not ages, so that a row that only becomes older is the same. */
function keysOf(status: Status): readonly string[] {
  return (status[status.topic] ?? []).map((row) => JSON.stringify(row));
}
