// credentials.json in the identity directory: written by a renewal, read by the process that serves. The volume is in
// memory and mounted in podrole's containers alone, so a sidecar that was killed is back with what it had.
import { decodeGrants, type Grants } from "../grants.ts";
import { readMemoryFile } from "./memory-file.ts";

export function grantsPath(identityDirectory: string): string {
  return `${identityDirectory}/credentials.json`;
}

/** Undefined when nothing was granted yet, or when the file is not ours to understand (another version wrote it). */
export function readGrants(identityDirectory: string): Grants | undefined {
  const text = readMemoryFile(grantsPath(identityDirectory));
  return text === undefined ? undefined : decodeGrants(text);
}
