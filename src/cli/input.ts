// The input of a command: a file, or standard input when the name is "-".
import { readFile } from "node:fs/promises";
import type { Terminal } from "./terminal.ts";

/** The whole text; undefined when the file cannot be read. */
export async function readInput(
  { readStdin }: Pick<Terminal, "readStdin">,
  filename: string,
): Promise<string | undefined> {
  return filename === "-" ? readStdin() : readText(filename);
}

/** The text of a file; undefined when it cannot be read. */
export async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch {
    return undefined;
  }
}

/** How messages name the input. */
export function originOf(filename: string): string {
  return filename === "-" ? "standard input" : filename;
}
