// Files of the checkout, and the objects in them, for tests of every folder.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { ROOT } from "../scripts/root.ts";

export { ROOT };

/** Reads a text file by its path from the root. */
export function readText(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

/** Parses every document of a YAML text. */
export function parseDocuments<Kind>(text: string): Kind[] {
  return parseAllDocuments(text, { merge: true }).map((document) => document.toJS({ maxAliasCount: -1 }) as Kind);
}

/** Reads the objects of a file below manifests/. */
export function readManifest<Kind>(file: string): Kind[] {
  return parseDocuments(readText(`manifests/${file}`));
}
