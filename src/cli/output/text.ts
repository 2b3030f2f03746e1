// Text for a terminal. Text of untrusted origin is made safe: file names, annotations, lines of a log.

/** Control characters other than line ends, and characters that change the direction of text. */
export const CONTROL_CHARACTERS = /(?!\n)[\p{C}\p{Zl}\p{Zp}]/gu;

/** Escapes control characters, characters that change the direction of text, and line ends. */
export function escapeControls(text: string): string {
  return text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}

/**
 * Returns a value as indented JSON for a terminal or a program. JSON.stringify() escapes only the controls below
 * U+0020; the others, and characters that change the direction of text, are escaped here, which changes no value.
 */
export function jsonText(value: unknown): string {
  const text = JSON.stringify(value, undefined, 2);
  return `${text.replaceAll(CONTROL_CHARACTERS, escapedUnits)}\n`;
}

function escapedUnits(character: string): string {
  return character
    .split("")
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
    .join("");
}

/** A line for the head and one for each row; each column is as wide as its widest cell. */
export function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, ...rows].map((cells) => cells.map(escapeControls));
  const widths = columnWidths(lines);
  return `${lines.map((cells) => tableLine(cells, widths)).join("\n")}\n`;
}

/** Returns for each column of the first line the length of its longest cell. */
export function columnWidths(lines: readonly (readonly string[])[]): readonly number[] {
  const widths = (lines[0] ?? []).map(() => 0);
  for (const cells of lines) {
    for (const [column, width] of widths.entries()) widths[column] = Math.max(width, cells[column]?.length ?? 0);
  }
  return widths;
}

/** Returns one line of a table without spaces at its end; `paint` colours a cell, which takes no room. */
export function tableLine(
  cells: readonly string[],
  widths: readonly number[],
  paint: (text: string, column: number) => string = (text) => text,
): string {
  const padded = cells.map((cell, column) => {
    const room = " ".repeat(Math.max(0, (widths[column] ?? 0) - cell.length));
    return `${paint(cell, column)}${column === cells.length - 1 ? "" : room}`;
  });
  return padded.join("   ").trimEnd();
}
