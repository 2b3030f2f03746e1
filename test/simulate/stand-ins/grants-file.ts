// Stand-in for readGrants() of src/sidecar/files/grants-file.ts: within one process, each content is decoded once. A
// renewal and the process that serves decode the same file three times.
import { decodeGrants, grantsPath } from "../../../src/sidecar/files/grants-file.ts";
import type { Grants } from "../../../src/sidecar/grants.ts";
import { currentWorld } from "../surroundings.ts";

export * from "../../../src/sidecar/files/grants-file.ts";

export function readGrants(identityDirectory: string): Grants | undefined {
  return currentWorld().volumes.decoded(grantsPath(identityDirectory), decodeGrants);
}
