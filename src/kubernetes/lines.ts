// Splits a watch into lines. It is one JSON text per line, in chunks that may end anywhere, even within a character.

/** The API server stores no object above 1.5 MiB (etcd's limit); a line ten times as long is an error. */
const MAX_LINE_LENGTH = 16 * 1024 * 1024;

/**
 * Yields the lines of `chunks` without their line feeds. A last line without one was cut off and is dropped. Throws
 * an Error for a line without an end.
 */
export async function* splitLines(chunks: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > MAX_LINE_LENGTH)
      throw new Error(
        `Cannot read a watch: a line has more than ${MAX_LINE_LENGTH} characters; expected one object a line`,
      );
    yield* lines;
  }
}
