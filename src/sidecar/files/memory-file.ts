// Reads files of the memory volumes at once: a few kilobytes are there in microseconds, and node:fs/promises would cost
// the process that serves half a megabyte for its whole life.
import { readFileSync } from "node:fs";

/** The file's text, or undefined when it does not exist. Other errors are thrown. */
export function readMemoryFile(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}
