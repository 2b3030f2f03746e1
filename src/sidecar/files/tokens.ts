// The authorization token of each container, in <tokens directory>/<container>/token: a file that only this container
// mounts. A token stays the same for the pod's lifetime, because SDKs may cache it in the environment. The serving
// process creates the tokens, so all access is synchronous (see memory-volume.ts).
import { randomBytes } from "node:crypto";
import { Secret } from "../../runtime/secret.ts";
import { makeMemoryDirectory, readMemoryFile, replaceMemoryFile } from "./memory-volume.ts";

/** 32 random bytes in base64url without a newline: every SDK sends the file's content unchanged. */
const TOKEN = /^[A-Za-z0-9_-]{43}$/;

/**
 * Returns the containers' tokens in the order of `containers`, and creates a token where none exists or the file holds
 * something else. Throws errors of the file system.
 */
export function ensureTokens(directory: string, containers: readonly string[]): readonly Secret[] {
  return containers.map((container) => readToken(directory, container) ?? createToken(directory, container));
}

function readToken(directory: string, container: string): Secret | undefined {
  const text = readMemoryFile(tokenPath(directory, container));
  return text !== undefined && TOKEN.test(text) ? new Secret(text) : undefined;
}

function createToken(directory: string, container: string): Secret {
  makeMemoryDirectory(`${directory}/${container}`, 0o755);
  const token = new Secret(randomBytes(32).toString("base64url"));
  // Readable by every uid, because the app's uid is unknown. The mount restricts access: no other container has it.
  replaceMemoryFile(tokenPath(directory, container), token.reveal(), 0o444);
  return token;
}

function tokenPath(directory: string, container: string): string {
  return `${directory}/${container}/token`;
}
