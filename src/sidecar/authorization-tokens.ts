// The authorization tokens of a pod as the endpoint accepts them. files/token-files.ts writes them, http/match-token.ts
// compares.
import { hash } from "node:crypto";
import type { Secret } from "../runtime/secret.ts";

/** The pod's tokens. */
export interface AuthorizationTokens {
  /** In the order of the containers. */
  readonly current: readonly Secret[];
  /** Hashes of tokens that were replaced. */
  readonly earlier: readonly string[];
}

/** Returns the SHA-256 of a token in base64url. A token has 256 random bits, so its hash does not reveal it. */
export function hashOf(token: string): string {
  return hash("sha256", token, "base64url");
}
