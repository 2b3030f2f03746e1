// Splits a watch into lines. It is one JSON text per line.
import { createLineSplitter } from "../runtime/line-splitter.ts";

/** In bytes. The API server stores no object above 1.5 MiB (etcd's limit); a line ten times as long is an error. */
const MAX_WATCH_LINE_LENGTH = 16 * 1024 * 1024;

/**
 * Yields the lines of `chunks` without their line feeds. A last line without one was cut off and is dropped. Throws
 * an Error for a line without an end.
 */
export async function* splitLines(chunks: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  const splitter = createLineSplitter({
    maxBytes: MAX_WATCH_LINE_LENGTH,
    onTooLong() {
      throw new Error(
        `Cannot read a watch: a line has more than ${MAX_WATCH_LINE_LENGTH} bytes; expected one object a line`,
      );
    },
  });
  for await (const chunk of chunks) yield* splitter.push(chunk);
}
