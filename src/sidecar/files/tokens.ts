// The authorization token of each container: a file that this container alone can read. It stays the same for the pod's
// life, because SDKs may hold it in the environment. Written at once, as memory-file.ts reads: the process that serves
// makes them.
import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { Secret } from "../../runtime/secret.ts";
import { readToken, tokenDirectory, tokenPath } from "./token-file.ts";

/** The containers' tokens in the order of `containers`; makes those that are missing. */
export function ensureTokens(directory: string, containers: readonly string[]): readonly Secret[] {
  return containers.map((container) => readToken(directory, container) ?? makeToken(directory, container));
}

function makeToken(directory: string, container: string): Secret {
  makeDirectory(tokenDirectory(directory, container));
  const token = new Secret(randomBytes(32).toString("base64url"));
  const path = tokenPath(directory, container);
  const aside = `${path}.tmp`;
  // What a process that was killed left there is not ours to write to: its mode may be wrong.
  rmSync(aside, { force: true });
  writeFileSync(aside, token.reveal(), { flag: "wx" });
  // The app's uid is unknown; who else could read the file is decided by the mount, which no other container has. The
  // umask may take bits away from a mode that is given at creation.
  chmodSync(aside, 0o444);
  renameSync(aside, path);
  return token;
}

/** The kubelet may have made it before us, for a subPath mount; only what we made is ours to open. */
function makeDirectory(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return;
    throw error;
  }
  chmodSync(path, 0o755);
}
