// What a container has printed, the newest part of it: a chatty process must not take the emulator's memory.
import { StringDecoder } from "node:string_decoder";

export interface LogBuffer {
  append(chunk: Uint8Array): void;
  text(): string;
  /** The last lines, at most `lines` and at most `characters`. */
  tail(lines: number, characters: number): string;
}

/** Keeps the last `limit` characters. */
export function createLogBuffer(limit: number): LogBuffer {
  const decoder = new StringDecoder("utf8");
  let kept = "";
  return {
    append(chunk) {
      kept += decoder.write(Buffer.from(chunk));
      // Cut rarely, so that a long log is not copied with every line.
      if (kept.length > 2 * limit) kept = kept.slice(-limit);
    },
    text: () => kept.slice(-limit),
    tail(lines, characters) {
      const end = kept.endsWith("\n") ? kept.slice(0, -1) : kept;
      return end.split("\n").slice(-lines).join("\n").slice(-characters);
    },
  };
}
