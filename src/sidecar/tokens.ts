// The authorization token of each container: a file that this container alone can read. It stays the same for the pod's
// life, because SDKs may hold it in the environment.
import { randomBytes } from "node:crypto";
import { chmod, mkdir } from "node:fs/promises";
import { writeAtomically } from "../runtime/files.ts";
import { Secret } from "../runtime/secret.ts";
import { readToken, tokenDirectory, tokenPath } from "./token-file.ts";

/** The containers' tokens in the order of `containers`; makes those that are missing. */
export async function ensureTokens(directory: string, containers: readonly string[]): Promise<readonly Secret[]> {
  return Promise.all(containers.map((container) => ensureToken(directory, container)));
}

async function ensureToken(directory: string, container: string): Promise<Secret> {
  const present = readToken(directory, container);
  if (present) return present;
  await makeDirectory(tokenDirectory(directory, container));
  const token = new Secret(randomBytes(32).toString("base64url"));
  // The app's uid is unknown; who else could read the file is decided by the mount, which no other container has.
  await writeAtomically(tokenPath(directory, container), token.reveal(), 0o444);
  return token;
}

/** The kubelet may have made it before us, for a subPath mount; only what we made is ours to open. */
async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return;
    throw error;
  }
  // The umask may have taken bits away.
  await chmod(path, 0o755);
}
