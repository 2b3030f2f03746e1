// The input of a command: a file, or standard input when the name is "-".
import { readFile } from "node:fs/promises";
import type { Terminal } from "./terminal.ts";

/** The manifests that --filename names, and how messages name them; the problem if they cannot be read. */
export async function readManifests(
  { readStdin }: Pick<Terminal, "readStdin">,
  filename: string,
): Promise<{ readonly text: string; readonly origin: string } | { readonly problem: string }> {
  if (filename === "-") return { text: await readStdin(), origin: "standard input" };
  const text = await readText(filename);
  return text === undefined ? { problem: `--filename: ${filename} cannot be read` } : { text, origin: filename };
}

/** The text of a file; undefined when it cannot be read. */
export async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch {
    return undefined;
  }
}
