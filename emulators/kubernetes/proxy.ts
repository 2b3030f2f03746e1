// The API server's proxy to pods and Services: GET only. The response is passed on unchanged; without one it is 503, as
// from the real API server. Headers are passed on except for those that authenticate the caller at the API server, and
// the certificate of the other side is not verified.
// (https://kubernetes.io/docs/tasks/access-application-cluster/access-cluster-services/)
import { type IncomingMessage, request as requestHttp, type ServerResponse } from "node:http";
import { request as requestHttps } from "node:https";
import { buffer } from "node:stream/consumers";
import type { RequestInfo } from "./request-info.ts";
import { StatusError } from "./status.ts";

/** What the API server keeps to itself: how the caller proved itself, and what belongs to one connection. */
const OWN_HEADERS: ReadonlySet<string> = new Set(["authorization", "host", "connection", "content-length"]);

/** A target that nothing listens on. */
const NOWHERE = "127.0.0.1:1";

/** Passes the request on to the target that `pages` has for what the path names, and its response back. */
export async function proxyRequest(
  pages: Map<string, string>,
  { namespace, name = "", rest, query }: RequestInfo,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const key = `${namespace}/${name}`;
  const [target = NOWHERE, ...others] = (pages.get(key) ?? NOWHERE).split(",");
  if (others.length > 0) pages.set(key, [...others, target].join(","));
  const headers = Object.fromEntries(Object.entries(request.headers).filter(([header]) => !OWN_HEADERS.has(header)));
  const parameters = query.size > 0 ? `?${query.toString()}` : "";
  const url = `${name.startsWith("https:") ? "https" : "http"}://${target}${rest}${parameters}`;
  const found = await get(url, headers).catch((error: unknown) => String(error));
  if (typeof found === "string") {
    throw new StatusError(503, "ServiceUnavailable", `error trying to reach service: ${found}`);
  }
  const type = found.headers["content-type"] ?? "text/plain";
  response.writeHead(found.statusCode ?? 502, { "content-type": type });
  response.end(await buffer(found));
}

function get(url: string, headers: IncomingMessage["headers"]): Promise<IncomingMessage> {
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  // A new connection each time, so that none is left open when the target closes.
  const options = { headers, agent: false, rejectUnauthorized: false } as const;
  const sent = url.startsWith("https:") ? requestHttps(url, options, resolve) : requestHttp(url, options, resolve);
  sent.on("error", reject);
  sent.end();
  return promise;
}
