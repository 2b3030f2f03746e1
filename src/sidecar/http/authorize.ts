// Maps the token of a request to a container. Every container of the pod can reach the endpoint, so this comparison
// keeps their credentials apart.
import { hash, timingSafeEqual } from "node:crypto";
import type { Secret } from "../../runtime/secret.ts";

/** Returns the index of the container whose token the header is, or -1. */
export type Authorize = (header: string) => number;

/**
 * Compares the hashes of all tokens in constant time: they have equal lengths, so timing reveals nothing about a token.
 */
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
