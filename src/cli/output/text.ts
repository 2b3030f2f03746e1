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
  const widths = head.map((_, column) => Math.max(...lines.map((cells) => cells[column]?.length ?? 0)));
  const lineOf = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("   ")
      .trimEnd();
  return `${lines.map(lineOf).join("\n")}\n`;
}
