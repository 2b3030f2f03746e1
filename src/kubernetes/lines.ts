// Splits a response that stays open into lines: a watch, one JSON text per line, or a log.
import { createLineSplitter } from "../runtime/line-splitter.ts";

/** A line without its line feed, or the first 4 KiB of one that is too long, of which nothing else is kept. */
export interface StreamLine {
  readonly text: string;
  readonly isWhole: boolean;
}

/** Yields the lines of `chunks`. A last line without a line feed was cut off and is dropped. */
export async function* splitLines(
  chunks: AsyncIterable<Uint8Array>,
  { maxBytes }: { readonly maxBytes: number },
): AsyncIterable<StreamLine> {
  let cut: StreamLine | undefined;
  const splitter = createLineSplitter({
    maxBytes,
    onTooLong(start) {
      cut = { text: start, isWhole: false };
    },
  });
  for await (const chunk of chunks) {
    for (const text of splitter.push(chunk)) yield { text, isWhole: true };
    // It begins after the lines that end in this chunk.
    if (cut !== undefined) yield cut;
    cut = undefined;
  }
}
