// Where objects come from: files, folders of them, standard input.
import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Terminal } from "../../cli/terminal.ts";
import { type KubernetesObject, type ParsedObjects, parseObjects } from "../manifests/objects.ts";

/** Read in the order given; folders to the bottom, their files by name. Problems name the path. */
export async function readObjects(
  { readStdin }: Pick<Terminal, "readStdin">,
  paths: readonly string[],
): Promise<ParsedObjects> {
  const parts: ParsedObjects[] = [];
  for (const path of paths) {
    if (path === "-") {
      parts.push(parseObjects(await readStdin(), "standard input"));
      continue;
    }
    const files = await filesOf(path);
    if (files === undefined) parts.push({ objects: [], problems: [`--filename: ${path} cannot be read`] });
    for (const file of files ?? []) parts.push(parseObjects(await readFile(file, "utf8"), file));
  }
  const objects: readonly KubernetesObject[] = parts.flatMap((part) => part.objects);
  return { objects, problems: parts.flatMap((part) => part.problems) };
}

/** Undefined: no such file or folder. */
async function filesOf(path: string): Promise<readonly string[] | undefined> {
  try {
    if (!(await stat(path)).isDirectory()) return [path];
    const entries = await readdir(path, { recursive: true, withFileTypes: true });
    return entries
      .filter((entry) => entry.isFile() && /\.(ya?ml|json)$/.test(entry.name))
      .map((entry) => join(entry.parentPath, entry.name))
      .toSorted();
  } catch {
    return undefined;
  }
}
