// Splits a log of any size, plain or compressed, into lines in bounded memory: lines are passed on in batches as they
// arrive, and a line longer than any that podrole or the API server writes is skipped.
import { Readable } from "node:stream";
import { constants, createGunzip } from "node:zlib";
import { createLineSplitter } from "../../../runtime/line-splitter.ts";

/** An audit event of the API server at level RequestResponse holds two objects of 1.5 MiB. */
const MAX_LOG_LINE_LENGTH = 8 * 1024 * 1024;

/** What is reported while a log is read, and the longest line. */
export interface LineHooks {
  /** In bytes; a longer line is skipped. Default: 8 MiB. */
  readonly longest?: number;
  /** Called for each line that is skipped because it is too long. */
  readonly onTooLong?: () => void;
  /** Called with the number of bytes read, before decompression. */
  readonly onBytes?: (count: number) => void;
}

/**
 * Batches of whole lines without line ends; the last line needs no end. Throws the errors of reading and decompressing.
 */
export async function* lineBatches(
  source: AsyncIterable<Uint8Array>,
  { longest = MAX_LOG_LINE_LENGTH, onTooLong, onBytes }: LineHooks = {},
): AsyncIterable<readonly string[]> {
  const splitter = createLineSplitter({ maxBytes: longest, onTooLong: onTooLong ?? (() => {}) });
  let isFirst = true;
  for await (const chunk of decompress(source, onBytes)) {
    const lines = splitter.push(chunk);
    if (lines.length === 0) continue;
    yield isFirst ? withoutByteOrderMark(lines) : lines;
    isFirst = false;
  }
  const rest = splitter.rest();
  if (rest !== "") yield isFirst ? withoutByteOrderMark([rest]) : [rest];
}

function withoutByteOrderMark([first = "", ...others]: readonly string[]): readonly string[] {
  return [first.replace(/^\ufeff/, ""), ...others];
}

/** Gzip is recognised by its first two bytes, whatever the file's name; several gzip members in a row are one text. */
async function* decompress(
  source: AsyncIterable<Uint8Array>,
  onBytes: LineHooks["onBytes"],
): AsyncIterable<Uint8Array> {
  const counted = countBytes(source, onBytes);
  const start = await counted.next();
  if (start.done) return;
  // Only the first chunk is tested: a first chunk of a single byte is not the start of a compressed log.
  const isGzip = start.value[0] === 0x1f && start.value[1] === 0x8b;
  const whole = withFirst(start.value, counted);
  if (!isGzip) return yield* whole;
  // A log that is still being written is incomplete: the part that exists is read.
  const gunzip = createGunzip({ finishFlush: constants.Z_SYNC_FLUSH });
  const input = Readable.from(whole, { objectMode: false });
  input.on("error", (error) => gunzip.destroy(error));
  yield* input.pipe(gunzip) as AsyncIterable<Uint8Array>;
}

async function* countBytes(
  source: AsyncIterable<Uint8Array>,
  onBytes: LineHooks["onBytes"],
): AsyncGenerator<Uint8Array> {
  for await (const chunk of source) {
    onBytes?.(chunk.length);
    if (chunk.length > 0) yield chunk;
  }
}

async function* withFirst(first: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  yield first;
  yield* rest;
}
