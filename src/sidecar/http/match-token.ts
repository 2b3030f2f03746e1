// Maps the token of a request to a container. Every container of the pod can reach the endpoint, so this comparison
// keeps their credentials apart.
import { timingSafeEqual } from "node:crypto";
import { type AuthorizationTokens, hashOf } from "../authorization-tokens.ts";

/**
 * What an Authorization header is: the token of the container with an index, a token that was replaced, or no token.
 */
export type TokenMatch =
  | { readonly token: "current"; readonly containerIndex: number }
  | { readonly token: "replaced" }
  | { readonly token: "unknown" };

/** Matches the Authorization header of a request. */
export type MatchToken = (header: string) => TokenMatch;

/**
 * Compares the hashes of all current tokens in constant time: they have equal lengths, so timing reveals nothing about
 * a token. Earlier tokens are no credentials, so their hashes are looked up in a set.
 */
export function createTokenMatcher({ current, earlier }: AuthorizationTokens): MatchToken {
  const digests = current.map((token) => Buffer.from(hashOf(token.reveal())));
  const replaced = new Set(earlier);
  return (header) => {
    const hash = hashOf(header);
    const digest = Buffer.from(hash);
    let found = -1;
    for (let index = 0; index < digests.length; index++) {
      if (timingSafeEqual(digest, digests[index] as Buffer)) found = index;
    }
    if (found >= 0) return { token: "current", containerIndex: found };
    return { token: replaced.has(hash) ? "replaced" : "unknown" };
  };
}
