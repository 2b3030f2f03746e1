// The authorization token of each container: a file that this container alone can read, and the comparison that turns a
// token back into a container. A token stays the same for the pod's life, because SDKs may hold it in the environment.
import { hash, randomBytes, timingSafeEqual } from "node:crypto";
import { chmod, mkdir } from "node:fs/promises";
import { readIfPresent, writeAtomically } from "../runtime/files.ts";
import { Secret } from "../runtime/secret.ts";

/** 32 random bytes in base64url: no newline anywhere, every SDK sends the file's content as it is. */
const TOKEN = /^[A-Za-z0-9_-]{43}$/;

/** The containers' tokens in the order of `containers`; makes those that are missing. */
export async function ensureTokens(directory: string, containers: readonly string[]): Promise<readonly Secret[]> {
  return Promise.all(containers.map((container) => ensureToken(`${directory}/${container}`)));
}

async function ensureToken(directory: string): Promise<Secret> {
  const path = `${directory}/token`;
  const present = await readIfPresent(path);
  if (present !== undefined && TOKEN.test(present)) return new Secret(present);
  // The kubelet may have made the directory for a subPath mount; only what we made is ours to open.
  if ((await mkdir(directory, { recursive: true })) !== undefined) await chmod(directory, 0o755);
  const token = new Secret(randomBytes(32).toString("base64url"));
  // The app's uid is unknown; who else could read the file is decided by the mount, which no other container has.
  await writeAtomically(path, token.reveal(), 0o444);
  return token;
}

/** Which container a header belongs to: its index, or -1. */
export type Authorize = (header: string) => number;

/** Hashes have equal lengths, and all of them are compared: time tells nothing about any token. */
export function createAuthorize(tokens: readonly Secret[]): Authorize {
  const digests = tokens.map((token) => digestOf(token.reveal()));
  return (header) => {
    const digest = digestOf(header);
    let found = -1;
    for (let index = 0; index < digests.length; index++) {
      if (timingSafeEqual(digest, digests[index] as Buffer)) found = index;
    }
    return found;
  };
}

function digestOf(text: string): Buffer {
  return hash("sha256", text, "buffer");
}
