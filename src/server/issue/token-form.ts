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
 * `now`: Unix milliseconds.
 */
export function findTokenProblem(
  token: Secret,
  { audience, now }: { readonly audience: string; readonly now: number },
): string | undefined {
  const text = token.reveal();
  if (text === "") return "it is empty; expected a token of the pod's projected volume";
  if (!COMPACT_JWT.test(text)) return NO_TOKEN;
  const [header, payload] = text.split(".").map(readTokenPart);
  if (header === undefined || payload === undefined) return NO_TOKEN;
  const { aud, exp } = payload;
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  if (!audiences.includes(audience)) return `it is for another audience; expected ${JSON.stringify(audience)}`;
  if (typeof exp !== "number") return "it has no expiry; expected a token of the pod's projected volume";
  return exp * 1_000 + CLOCK_DIFFERENCE_MS < now ? "it has expired" : undefined;
}

const NO_TOKEN = "it is not a JSON Web Token; expected a token of the pod's projected volume";

/** Returns the JSON object that a part of a token encodes in base64url; undefined if there is none. */
export function readTokenPart(text: string): Readonly<Record<string, unknown>> | undefined {
  return parseObject(Buffer.from(text, "base64url").toString());
}
