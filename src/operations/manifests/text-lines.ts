// Lines and columns of a text, by offset.

/** The number of characters between the beginning of the line and the position. */
export function columnIn(text: string, position: number): number {
  return position - (text.lastIndexOf("\n", position - 1) + 1);
}

/** Where the line of the position ends, before its line break. */
export function endOfLine(text: string, position: number): number {
  const at = text.indexOf("\n", position);
  if (at < 0) return text.length;
  return text[at - 1] === "\r" && at > position ? at - 1 : at;
}

/** The number of spaces with which the line of the position begins. */
export function indentOfLine(text: string, position: number): number {
  const line = text.slice(position - columnIn(text, position), position);
  return /^ */.exec(line)?.[0].length ?? 0;
}

/** The column of a value that is the first of its line; undefined for any other. */
export function ownLineColumn(text: string, position: number): number | undefined {
  const column = columnIn(text, position);
  return text.slice(position - column, position).trim() === "" ? column : undefined;
}

/** A replacement of the bytes from `start` to `end`. */
export interface TextEdit {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

/** Insertions at one position keep their order. Undefined if two edits overlap and are not both deletions. */
export function applyEdits(text: string, edits: readonly TextEdit[]): string | undefined {
  const ordered = edits.toSorted((a, b) => a.start - b.start || a.end - b.end);
  let result = "";
  let at = 0;
  for (const { start, end, text: replacement } of ordered) {
    if (start < at && replacement !== "") return undefined;
    result += text.slice(at, Math.max(at, start)) + replacement;
    at = Math.max(at, end);
  }
  return result + text.slice(at);
}
