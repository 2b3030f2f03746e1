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
 * Compares all current tokens in constant time. Only their length, which all of them share, decides before: it is no
 * secret. Earlier tokens are no credentials, so their hashes are looked up in a set.
 */
export function createTokenMatcher({ current, earlier }: AuthorizationTokens): MatchToken {
  const tokens = current.map((token) => Buffer.from(token.reveal()));
  const replaced = new Set(earlier);
  return (header) => {
    const given = Buffer.from(header);
    let found = -1;
    tokens.forEach((token, index) => {
      if (given.length === token.length && timingSafeEqual(given, token)) found = index;
    });
    if (found >= 0) return { token: "current", containerIndex: found };
    return { token: replaced.has(hashOf(header)) ? "replaced" : "unknown" };
  };
}
