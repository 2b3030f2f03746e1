// Which requests the page's server answers: those of the page itself, in the browser of the operator who was shown its
// address. Pure. A page of another site can send requests to 127.0.0.1, by DNS rebinding under a name of its own; other
// users of the machine can connect to the port. None of them knows the token in the address.
import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import type { Secret } from "../../runtime/secret.ts";

/** What decides about a request. */
export interface PageRequest {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: IncomingHttpHeaders;
}

/** What a request must show. */
export interface PageGuardOptions {
  readonly token: Secret;
  readonly port: number;
}

/** The path behind the token with its query, or the status with which the request ends. */
export type GuardedRequest =
  | { readonly path: string; readonly query: URLSearchParams }
  | { readonly status: 403 | 404 | 405 };

/** Decides by method, Host, Origin, Sec-Fetch-Site and token, in this order. */
export function guardPageRequest(
  { method, url = "", headers }: PageRequest,
  { token, port }: PageGuardOptions,
): GuardedRequest {
  if (method !== "GET" && method !== "HEAD") return { status: 405 };
  const own = `127.0.0.1:${port}`;
  if (headers.host !== own) return { status: 403 };
  if (headers.origin !== undefined && headers.origin !== `http://${own}`) return { status: 403 };
  // "none": the reader opened the address. Browsers set it, and no page can change it.
  // (https://www.w3.org/TR/fetch-metadata/#sec-fetch-site-header)
  const site = headers["sec-fetch-site"] ?? "none";
  if (site !== "none" && site !== "same-origin") return { status: 403 };
  const parsed = URL.parse(url, `http://${own}`);
  const [, given = "", path] = /^\/([^/]*)\/(.*)$/.exec(parsed?.pathname ?? "") ?? [];
  if (parsed === null || path === undefined || !isToken(given, token)) return { status: 404 };
  return { path, query: parsed.searchParams };
}

/** Compares hashes, so that neither length nor time tells anything. */
function isToken(given: string, token: Secret): boolean {
  return timingSafeEqual(tokenDigestOf(given), tokenDigestOf(token.reveal()));
}

function tokenDigestOf(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
