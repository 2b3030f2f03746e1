// credentials.json in the identity directory: written by a renewal, read by the process that serves. The volume is in
// memory and mounted in podrole's containers alone, so a sidecar that was killed is back with what it had.
import { readIfPresent, writeAtomically } from "../runtime/files.ts";
import { decodeGrants, encodeGrants, type Grants } from "./grants.ts";

function pathIn(identityDirectory: string): string {
  return `${identityDirectory}/credentials.json`;
}

/** Undefined when nothing was granted yet, or when the file is not ours to understand (another version wrote it). */
export async function readGrants(identityDirectory: string): Promise<Grants | undefined> {
  const text = await readIfPresent(pathIn(identityDirectory));
  return text === undefined ? undefined : decodeGrants(text);
}

export async function writeGrants(identityDirectory: string, grants: Grants): Promise<void> {
  await writeAtomically(pathIn(identityDirectory), encodeGrants(grants), 0o600);
}
