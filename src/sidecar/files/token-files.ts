// The authorization token of each container, in <tokens directory>/<container>/token: a file that only this container
// mounts. Each start of podrole-sidecar replaces all tokens, because while it was down another container of the pod may
// have listened on its port and collected them. SDKs read the file for each request for credentials.
// States of a token: unused → current → earlier → unknown.
// - unused: written before an app could send it: by podrole-init (classic mode), or by the first start of a native
//   sidecar. One start takes unused tokens over, so that an app which starts beside that sidecar has a valid token. It
//   does so before it listens, so a start that fails because another process has its port makes the next one replace
//   the tokens.
// - current: accepted until the next start of the sidecar.
// - earlier: only its hash is stored, which recognises it but cannot be used as a token.
// - unknown: evicted after MAX_EARLIER_STARTS further starts.
// All access is synchronous (see memory-volume.ts).
import { randomBytes } from "node:crypto";
import { Secret } from "../../runtime/secret.ts";
import { type AuthorizationTokens, hashOf } from "../authorization-tokens.ts";
import { makeMemoryDirectory, readMemoryFile, replaceMemoryFile } from "./memory-volume.ts";

/** What is stored about tokens apart from the tokens themselves. */
interface TokenState {
  readonly unused: boolean;
  readonly earlier: readonly string[];
}

/** 32 random bytes in base64url without a newline: every SDK sends the file's content unchanged. */
const TOKEN_PATTERN = /^[A-Za-z0-9_-]{43}$/;
/** SDKs send a token within seconds of reading it, so a few starts suffice even in a crash loop. */
const MAX_EARLIER_STARTS = 8;

/** Writes new, unused tokens for podrole-init. Throws errors of the file system. */
export function prepareTokens(directory: string, containers: readonly string[]): void {
  replaceAll(directory, containers, true);
}

/**
 * Returns the unused tokens and ends that state, before the sidecar listens; creates them in a pod that has none yet.
 * Undefined: the tokens are in use, so the sidecar replaces them as soon as it listens. Throws errors of the file
 * system.
 */
export function takeUnusedTokens(directory: string, containers: readonly string[]): AuthorizationTokens | undefined {
  const present = containers.map((container) => readTokenFile(directory, container));
  const { unused, earlier } = readState(directory) ?? { unused: !present.some(Boolean), earlier: [] };
  if (!unused) return undefined;
  writeState(directory, { unused: false, earlier });
  const current = containers.map((container, index) => present[index] ?? createToken(directory, container));
  return { current, earlier };
}

/**
 * Writes new tokens and returns them; those that were current become earlier ones. Throws errors of the file system.
 */
export function replaceTokens(directory: string, containers: readonly string[]): AuthorizationTokens {
  return replaceAll(directory, containers, false);
}

function replaceAll(directory: string, containers: readonly string[], unused: boolean): AuthorizationTokens {
  const current = containers
    .map((container) => readTokenFile(directory, container))
    .filter((token) => token !== undefined);
  const hashes = [...current.map((token) => hashOf(token.reveal())), ...(readState(directory)?.earlier ?? [])];
  const earlier = [...new Set(hashes)].slice(0, MAX_EARLIER_STARTS * containers.length);
  // Stored first: a process that ends in between leaves no token that is neither current nor known as an earlier one.
  writeState(directory, { unused, earlier });
  return { current: containers.map((container) => createToken(directory, container)), earlier };
}

function readTokenFile(directory: string, container: string): Secret | undefined {
  const text = readMemoryFile(tokenPath(directory, container));
  return text !== undefined && TOKEN_PATTERN.test(text) ? new Secret(text) : undefined;
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

/** Undefined if there is none. A state that cannot be parsed means tokens in use: the next start replaces them. */
function readState(directory: string): TokenState | undefined {
  const text = readMemoryFile(statePath(directory));
  if (text === undefined) return undefined;
  try {
    const { unused, earlier } = JSON.parse(text) as Readonly<Record<string, unknown>>;
    const hashes = Array.isArray(earlier) ? earlier.filter((hash) => typeof hash === "string") : [];
    return { unused: unused === true, earlier: hashes };
  } catch {
    return { unused: false, earlier: [] };
  }
}

function writeState(directory: string, state: TokenState): void {
  replaceMemoryFile(statePath(directory), JSON.stringify(state), 0o600);
}

/**
 * In the root of the tokens' volume, which only podrole's containers mount; container names have no dot. Not in the
 * identity directory, where a renewal that runs meanwhile removes temporary files.
 */
function statePath(directory: string): string {
  return `${directory}/tokens.json`;
}
