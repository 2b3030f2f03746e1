// Rows for people: columns as wide as what stands in them. What pods' authors wrote may hold anything, also what would
// steer a terminal: it is shown, not obeyed.

/** Text with a line for the head and one for each row. */
export function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, ...rows].map((cells) => cells.map(printable));
  const widths = head.map((_, column) => Math.max(...lines.map((cells) => cells[column]?.length ?? 0)));
  const lineOf = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("   ")
      .trimEnd();
  return `${lines.map(lineOf).join("\n")}\n`;
}

/** Control characters, and the marks that turn the direction of text, as \u escapes. */
export function printable(text: string): string {
  return text.replaceAll(
    /[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}
