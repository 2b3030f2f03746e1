// Where logs come from: files, standard input, the cluster. A file that cannot be opened is a mistake on the command line;
// one that breaks off in the middle costs what would have come after, and is told.
import { once } from "node:events";
import { createReadStream } from "node:fs";
import type { Terminal } from "../../cli/terminal.ts";
import { linesOf } from "./lines.ts";
import type { Progress } from "./progress.ts";

export interface Source {
  readonly name: string;
  readonly chunks: AsyncIterable<Uint8Array>;
}

export type Opened = { readonly sources: readonly Source[] } | { readonly problems: readonly string[] };

export async function openFiles(terminal: Terminal, flag: string, files: readonly string[]): Promise<Opened> {
  const opened = await Promise.all(
    files.map(async (file): Promise<Source | string> => {
      if (file === "-") {
        const chunks = terminal.stdin();
        if (chunks) return { name: "standard input", chunks: until(terminal.interrupted, chunks) };
        return `${flag}: standard input is a terminal, wanted a file or a pipe: kubectl -n podrole logs … | podrole audit …`;
      }
      // Directories open, and only reading them fails.
      const chunks = createReadStream(file, { highWaterMark: 256 * 1024, signal: terminal.interrupted });
      try {
        await once(chunks, "readable");
        return { name: file, chunks };
      } catch (error) {
        return `${flag}: ${JSON.stringify(file)} cannot be read (${(error as Error).message})`;
      }
    }),
  );
  const problems = opened.filter((result) => typeof result === "string");
  return problems.length > 0 ? { problems } : { sources: opened.filter((result) => typeof result !== "string") };
}

async function* until(signal: AbortSignal, chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array> {
  for await (const chunk of chunks) {
    signal.throwIfAborted();
    yield chunk;
  }
}

/** Hands over every line of every source; `take` says whether it was a record. Returns what broke. */
export function readLines(
  sources: readonly Source[],
  progress: Progress,
  take: (line: string) => boolean,
): Promise<readonly string[]> {
  return readAll(sources, progress, async (lines) => {
    for await (const batch of lines) for (const line of batch) if (line !== "") progress.line(take(line));
  });
}

/** A document that goes over several lines is held as a whole. */
const LONGEST_DOCUMENT = 256 * 1024 * 1024;

/** As readLines(), for JSON that is one document a file as well as one a line. */
export function readDocuments(
  sources: readonly Source[],
  progress: Progress,
  take: (text: string) => boolean,
): Promise<readonly string[]> {
  return readAll(
    sources,
    progress,
    async (lines) => {
      let pieces: string[] | undefined;
      let length = 0;
      let first = true;
      for await (const batch of lines) {
        for (const line of batch) {
          const isRecord = pieces === undefined && line.trim() !== "" && take(line);
          if (isRecord) progress.line(true);
          // Not even the first line is JSON by itself: then the lines are pieces of one document.
          else if (first && line.trim() !== "") pieces = [line];
          else if (pieces === undefined && line.trim() !== "") progress.line(false);
          else pieces?.push(line);
          if (line.trim() !== "") first = false;
          length += pieces === undefined ? 0 : line.length;
          if (length > LONGEST_DOCUMENT) throw new RangeError("the document is larger than 256 MiB; split it");
        }
      }
      if (pieces) progress.line(take(pieces.join("\n")));
    },
    LONGEST_DOCUMENT,
  );
}

async function readAll(
  sources: readonly Source[],
  progress: Progress,
  read: (lines: AsyncIterable<readonly string[]>) => Promise<void>,
  longest?: number,
): Promise<readonly string[]> {
  const broken: string[] = [];
  for (const { name, chunks } of sources) {
    progress.startOf(name);
    const hooks = {
      onBytes: (count: number) => progress.bytes(count),
      onTooLong: () => progress.tooLong(),
      ...(longest !== undefined && { longest }),
    };
    try {
      await read(linesOf(chunks, hooks));
    } catch (error) {
      broken.push(`${name} could not be read to its end (${(error as Error).message}); what came before counts`);
    }
  }
  return broken;
}
