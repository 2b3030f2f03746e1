// What --watch writes to a terminal: each reading in the place of the one before, as `watch` does. Pure.

/** Moves the cursor to the first line and clears the screen below it (ECMA-48, CUP and ED). */
const CLEAR_SCREEN = "\u001B[H\u001B[J";

/** Returns a reading for a terminal of `rows` lines: lines that do not fit are counted, because they would scroll. */
export function screenText(text: string, { at, rows }: { readonly at: string; readonly rows: number }): string {
  const lines = text.trimEnd().split("\n");
  // The head, an empty line, and the line in which the cursor stays.
  const room = Math.max(1, rows - 3);
  const shown = lines.length <= room ? lines : lines.slice(0, room - 1);
  const rest = lines.length - shown.length;
  const more = rest === 0 ? [] : [`and ${rest} more lines, which this terminal has no room for`];
  return `${CLEAR_SCREEN}${[`${at}  (Ctrl-C ends)`, "", ...shown, ...more].join("\n")}\n`;
}
