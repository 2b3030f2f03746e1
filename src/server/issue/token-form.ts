// Looks at a token before the API server is asked about it: what is no ServiceAccount token for podrole needs no
// TokenReview. This is only ever an early no. The signature is not verified here, so nothing that passes is proved.

import { parseObject } from "../../runtime/json-object.ts";
import type { Secret } from "../../runtime/secret.ts";

/**
 * The API server's clock and this one may differ by this much, in milliseconds. Tokens of pods live 10 minutes or
 * longer.
 */
const CLOCK_DIFFERENCE_MS = 5 * 60_000;

/** A JSON Web Signature in compact form: header, payload and signature (RFC 7515, section 7.1). */
const COMPACT_JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/**
 * Returns why the API server would not accept the token for `audience`, such as "it has expired"; undefined if it may.
 * `now`: Unix milliseconds. `origin`: where the caller's tokens come from, for the text.
 */
export function findTokenProblem(
  token: Secret,
  {
    audience,
    now,
    origin = "the pod's projected volume",
  }: { readonly audience: string; readonly now: number; readonly origin?: string },
): string | undefined {
  const text = token.reveal();
  const expected = `expected a token of ${origin}`;
  const noToken = `it is not a JSON Web Token; ${expected}`;
  if (text === "") return `it is empty; ${expected}`;
  if (!COMPACT_JWT.test(text)) return noToken;
  const [header, payload] = text.split(".").map(readTokenPart);
  if (header === undefined || payload === undefined) return noToken;
  const { aud, exp } = payload;
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  if (!audiences.includes(audience)) return `it is for another audience; expected ${JSON.stringify(audience)}`;
  if (typeof exp !== "number") return `it has no expiry; ${expected}`;
  return exp * 1_000 + CLOCK_DIFFERENCE_MS < now ? "it has expired" : undefined;
}

/** Returns the JSON object that a part of a token encodes in base64url; undefined if there is none. */
export function readTokenPart(text: string): Readonly<Record<string, unknown>> | undefined {
  return parseObject(Buffer.from(text, "base64url").toString());
}
