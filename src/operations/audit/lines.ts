// The lines of a log of any size, plain or compressed, in bounded memory: batches as they come, and no line longer than
// what podrole or the API server write.
import { Readable } from "node:stream";
import { constants, createGunzip } from "node:zlib";

/** An audit event of the API server at level RequestResponse holds two objects of 1.5 MiB. */
const LONGEST_LINE = 8 * 1024 * 1024;

export interface LineHooks {
  /** Characters that a line may have. */
  readonly longest?: number;
  /** Hears of each line that was longer than any record, and was left out. */
  readonly onTooLong?: () => void;
  /** Bytes that were read, before decompression. */
  readonly onBytes?: (count: number) => void;
}

/** Batches of whole lines without their ends; the last one needs none. Throws what reading or decompressing throws. */
export async function* linesOf(
  source: AsyncIterable<Uint8Array>,
  { longest = LONGEST_LINE, onTooLong, onBytes }: LineHooks = {},
): AsyncIterable<readonly string[]> {
  const decoder = new TextDecoder();
  let rest = "";
  let skipping = false;
  for await (const chunk of decompressed(source, onBytes)) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
    rest = lines.pop() ?? "";
    if (skipping && lines.length > 0) {
      lines.shift();
      skipping = false;
    }
    if (rest.length > longest) {
      if (!skipping) onTooLong?.();
      skipping = true;
      rest = "";
    }
    if (lines.length > 0) yield lines;
  }
  if (rest !== "" && !skipping) yield [rest];
}

/** Gzip is told by its first two bytes, whatever the file is called; several members in a row are one text. */
async function* decompressed(
  source: AsyncIterable<Uint8Array>,
  onBytes: LineHooks["onBytes"],
): AsyncIterable<Uint8Array> {
  const counted = counting(source, onBytes);
  const start = await counted.next();
  if (start.done) return;
  // A first chunk of one byte is no log that anybody compressed.
  const isGzip = start.value[0] === 0x1f && start.value[1] === 0x8b;
  const whole = withFirst(start.value, counted);
  if (!isGzip) return yield* whole;
  // A log that is still being written ends in the middle: what is there counts.
  const gunzip = createGunzip({ finishFlush: constants.Z_SYNC_FLUSH });
  const input = Readable.from(whole, { objectMode: false });
  input.on("error", (error) => gunzip.destroy(error));
  yield* input.pipe(gunzip) as AsyncIterable<Uint8Array>;
}

async function* counting(source: AsyncIterable<Uint8Array>, onBytes: LineHooks["onBytes"]): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    onBytes?.(chunk.length);
    if (chunk.length > 0) yield chunk;
  }
}

async function* withFirst(first: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  yield first;
  yield* rest;
}
