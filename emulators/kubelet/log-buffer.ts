// The newest output of a container, limited so that a verbose process does not exhaust the emulator's memory.
import { StringDecoder } from "node:string_decoder";

/** The newest part of a container's output. */
export interface LogBuffer {
  append(chunk: Uint8Array): void;
  text(): string;
  /** Returns the last lines, at most `lines` and at most `characters`. */
  tail(lines: number, characters: number): string;
}

/** Creates a buffer of the last `limit` characters. */
export function createLogBuffer(limit: number): LogBuffer {
  const decoder = new StringDecoder("utf8");
  let stored = "";
  return {
    append(chunk) {
      stored += decoder.write(Buffer.from(chunk));
      // Truncated rarely, so that a long log is not copied with every line.
      if (stored.length > 2 * limit) stored = stored.slice(-limit);
    },
    text: () => stored.slice(-limit),
    tail(lines, characters) {
      const end = stored.endsWith("\n") ? stored.slice(0, -1) : stored;
      return end.split("\n").slice(-lines).join("\n").slice(-characters);
    },
  };
}
