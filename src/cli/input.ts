// The input of a command: a file, or standard input when the name is "-".
import { readFile } from "node:fs/promises";
import type { NamedText } from "../operations/manifests/parse-objects.ts";
import { failure, type Result, success } from "../runtime/result.ts";
import type { Terminal } from "./terminal.ts";

/** The manifests that --filename names, and how messages name them; the problem if they cannot be read. */
export async function readInput(
  { readStdin }: Pick<Terminal, "readStdin">,
  filename: string,
): Promise<Result<NamedText>> {
  if (filename === "-") return success({ text: await readStdin(), origin: "standard input" });
  const text = await readTextFile(filename);
  return text === undefined ? failure(`--filename: ${filename} cannot be read`) : success({ text, origin: filename });
}

/** The text of a file; undefined when it cannot be read. */
export async function readTextFile(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, "utf8");
  } catch {
    return undefined;
  }
}
