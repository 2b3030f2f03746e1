// Turns the token of a request back into a container. Every container of the pod can reach the endpoint, so this
// comparison is what keeps their credentials apart.
import { hash, timingSafeEqual } from "node:crypto";
import type { Secret } from "../../runtime/secret.ts";

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
