// Where the authorization tokens stand, and how they look: <tokens directory>/<container>/token.
import { Secret } from "../../runtime/secret.ts";
import { readMemoryFile } from "./memory-file.ts";

/** 32 random bytes in base64url, and no newline: every SDK sends the file's content as it is. */
const TOKEN = /^[A-Za-z0-9_-]{43}$/;

export function tokenDirectory(directory: string, container: string): string {
  return `${directory}/${container}`;
}

export function tokenPath(directory: string, container: string): string {
  return `${tokenDirectory(directory, container)}/token`;
}

/** Undefined when there is none, or something that is no token of ours. */
export function readToken(directory: string, container: string): Secret | undefined {
  const text = readMemoryFile(tokenPath(directory, container));
  return text !== undefined && TOKEN.test(text) ? new Secret(text) : undefined;
}
