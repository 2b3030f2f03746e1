// Splits bytes that come in chunks into lines of text. A chunk may end anywhere, even within a character. The work is
// proportional to the bytes, however long a line is and however small the chunks are: each byte is searched, joined and
// decoded once.

/** Collects chunks; it ends with its stream. */
export interface LineSplitter {
  /** Returns the lines that end in this chunk, without their line feeds. */
  push(chunk: Uint8Array): readonly string[];
  /** Returns what follows the last line feed; "" for a line that is too long. */
  rest(): string;
}

/** How long a line may be, and what happens to a longer one. */
export interface LineSplitterOptions {
  /** Longest line, in bytes: of a longer one nothing is kept, and it is skipped to its end. */
  readonly maxBytes: number;
  /**
   * Called once for each line that is too long, before its end has come, with the first 4 KiB of it. What it throws,
   * push() throws.
   */
  readonly onTooLong: (start: string) => void;
}

const LINE_FEED = 0x0a;
const START_BYTES = 4 * 1024;

/** Creates a splitter that has no bytes yet. */
export function createLineSplitter({ maxBytes, onTooLong }: LineSplitterOptions): LineSplitter {
  let parts: Uint8Array[] = [];
  let length = 0;
  let isSkipping = false;

  function keep(part: Uint8Array): void {
    if (isSkipping || part.length === 0) return;
    parts.push(part);
    length += part.length;
    if (length <= maxBytes) return;
    const start = Buffer.concat(parts, Math.min(length, START_BYTES)).toString();
    parts = [];
    length = 0;
    isSkipping = true;
    onTooLong(start);
  }

  function take(...more: readonly Uint8Array[]): string {
    const text = Buffer.concat([...parts, ...more]).toString();
    parts = [];
    length = 0;
    return text;
  }

  return {
    push(chunk) {
      const end = chunk.lastIndexOf(LINE_FEED);
      if (end < 0) {
        keep(chunk);
        return [];
      }
      const lines = take(chunk.subarray(0, end)).split("\n");
      if (isSkipping) lines.shift();
      isSkipping = false;
      keep(chunk.subarray(end + 1));
      return lines;
    },
    rest: () => Buffer.concat(parts).toString(),
  };
}
