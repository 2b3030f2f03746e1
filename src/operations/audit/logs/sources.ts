// Logs as streams: files and standard input are opened here, and every source is read to its end. A log that breaks off
// costs only what would have come after the break, and is reported.
import { once } from "node:events";
import { createReadStream } from "node:fs";
import { type Checked, success } from "../../../runtime/result.ts";
import { lineBatches } from "./lines.ts";
import type { ReadProgress } from "./progress.ts";

/** A log that is open for reading. */
export interface LogFile {
  readonly name: string;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** What opens files and standard input. */
export interface FileDeps {
  /** Standard input as a stream; undefined when it is a keyboard. */
  readonly stdin: () => AsyncIterable<Uint8Array> | undefined;
  /** Stops the reading. */
  readonly signal: AbortSignal;
}

/** Opened logs, or why each of the others cannot be opened. */
export type OpenedSources = Checked<readonly LogFile[]>;

/** A log that could not be read to its end; what came before the break counts. */
export interface BrokenLog {
  readonly name: string;
  readonly reason: string;
}

/** Opens every file, "-" for standard input, or returns every problem. */
export async function openFiles({ stdin, signal }: FileDeps, files: readonly string[]): Promise<OpenedSources> {
  const opened = await Promise.all(
    files.map(async (file): Promise<LogFile | string> => {
      if (file === "-") {
        const chunks = stdin();
        if (chunks) return { name: "standard input", chunks: chunksUntilAborted(signal, chunks) };
        return "standard input is a terminal; expected a file or a pipe: kubectl -n podrole logs … | podrole audit …";
      }
      // A directory can be opened; only reading it fails.
      const chunks = createReadStream(file, { highWaterMark: 256 * 1024, signal });
      try {
        await once(chunks, "readable");
        return { name: file, chunks };
      } catch (error) {
        return `${JSON.stringify(file)} cannot be read (${(error as Error).message})`;
      }
    }),
  );
  const problems = opened.filter((result) => typeof result === "string");
  if (problems.length > 0) return { ok: false, problems };
  return success(opened.filter((result) => typeof result !== "string"));
}

async function* chunksUntilAborted(signal: AbortSignal, chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  for await (const chunk of chunks) {
    signal.throwIfAborted();
    yield chunk;
  }
}

/** Passes every line of every source to `accept`, which returns whether the line is a record. */
export function readLines(
  sources: readonly LogFile[],
  progress: ReadProgress,
  accept: (line: string) => boolean,
): Promise<readonly BrokenLog[]> {
  return readAll(sources, progress, async (lines) => {
    for await (const batch of lines) for (const line of batch) if (line !== "") progress.line(accept(line));
  });
}

/** A document that spans several lines is held in memory as a whole. */
const MAX_DOCUMENT_LENGTH = 256 * 1024 * 1024;

/** As readLines(), for files with one JSON document each as well as one a line. */
export function readJsonDocuments(
  sources: readonly LogFile[],
  progress: ReadProgress,
  accept: (text: string) => boolean,
): Promise<readonly BrokenLog[]> {
  return readAll(
    sources,
    progress,
    async (lines) => {
      let pieces: string[] | undefined;
      let length = 0;
      let isFirst = true;
      for await (const batch of lines) {
        for (const line of batch) {
          const isRecord = pieces === undefined && line.trim() !== "" && accept(line);
          if (isRecord) progress.line(true);
          // If the first line alone is not JSON, the lines are pieces of one document.
          else if (isFirst && line.trim() !== "") pieces = [line];
          else if (pieces === undefined && line.trim() !== "") progress.line(false);
          else pieces?.push(line);
          if (line.trim() !== "") isFirst = false;
          length += pieces === undefined ? 0 : line.length;
          if (length > MAX_DOCUMENT_LENGTH) throw new Error("the document is larger than 256 MiB; split it");
        }
      }
      if (pieces) progress.line(accept(pieces.join("\n")));
    },
    MAX_DOCUMENT_LENGTH,
  );
}

async function readAll(
  sources: readonly LogFile[],
  progress: ReadProgress,
  read: (lines: AsyncIterable<readonly string[]>) => Promise<void>,
  longest?: number,
): Promise<readonly BrokenLog[]> {
  const broken: BrokenLog[] = [];
  for (const { name, chunks } of sources) {
    progress.start(name);
    const hooks = {
      onBytes: (count: number) => progress.bytes(count),
      onTooLong: () => progress.tooLong(),
      ...(longest !== undefined && { longest }),
    };
    try {
      await read(lineBatches(chunks, hooks));
    } catch (error) {
      broken.push({ name, reason: (error as Error).message });
    }
  }
  return broken;
}
