// A watch is one JSON text a line, cut into chunks anywhere, also within a character.

/** The API server stores no object above 1.5 MiB (etcd's limit); ten times that is no line but a fault. */
const LONGEST_LINE = 16 * 1024 * 1024;

/** The lines of `chunks` without their ends; a last line without an end was cut off and is dropped. */
export async function* splitLines(chunks: AsyncIterable<Uint8Array>): AsyncIterable<string> {
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > LONGEST_LINE) throw new RangeError("a watch sent a line that does not end");
    yield* lines;
  }
}
