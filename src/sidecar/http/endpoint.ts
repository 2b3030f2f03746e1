// The credentials endpoint on the pod's loopback addresses. Every container of the pod can reach it, so the token
// decides: it identifies the container, and a container receives its own credentials or none. Replies come from memory;
// a request that finds no credentials waits for the running renewal (held-requests.ts).
import type { IncomingMessage, ServerResponse } from "node:http";
import { ERRORS, type ErrorCode } from "../../protocol/errors.ts";
import type { BudgetLimits } from "../../runtime/budget.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import { createSampler } from "../../runtime/sampler.ts";
import type { CredentialStore } from "../credential-store.ts";
import { createHeldRequests, type HeldRequestsDeps, type HeldRequestsOptions } from "./held-requests.ts";
import type { MatchToken } from "./match-token.ts";
import { findForeignOrigin } from "./origin.ts";
import { type CodedReply, type Lookup, refusalReply } from "./replies.ts";
import { createLoopbackServer, ENDPOINT_LIMITS, type HttpServer, type HttpServerDeps } from "./servers.ts";

/** What the endpoint talks to. */
export interface EndpointDeps extends Pick<HeldRequestsDeps, "renewals"> {
  readonly clock: Clock;
  readonly log: Log;
  readonly store: Pick<CredentialStore, "reply" | "refusal">;
  readonly matchToken: MatchToken;
  /** Counts every reply and its duration in milliseconds; "OK" for credentials. */
  readonly count: (code: ErrorCode | "OK", durationMs: number) => void;
  /** Replies on every other path; if absent, those return 404. */
  readonly otherPaths?: OtherPaths | undefined;
  readonly onClose?: HttpServerDeps["onClose"];
}

/** Returns a reply, or the lookup of one that requires the credentials of all containers. */
export type OtherPaths = (request: IncomingMessage) => CodedReply | Lookup;

/** How the endpoint listens; port 0 is any free one. */
export interface EndpointOptions extends HeldRequestsOptions {
  readonly port: number;
  readonly limits?: BudgetLimits;
}

const CREDENTIALS_PATH = "/v1/credentials";
const ENDPOINT_CLOSE_GRACE_MS = 500;
const WITHOUT_TOKEN = "";
/** In whole seconds; JavaScript v2 waits as long as this header says before it reads the token file again. */
const RETRY_SOON = ["Retry-After", "1"];

/** Creates the endpoint, which listens after `listen()`; `close()` answers held requests first. */
export function createCredentialsEndpoint(
  deps: EndpointDeps,
  { port, containers, holdMs, limits = ENDPOINT_LIMITS }: EndpointOptions,
): HttpServer {
  const { clock, log, store, renewals, matchToken, count, otherPaths, onClose } = deps;
  /** Refused requests are logged once per minute and code, not once per request. */
  const sampler = createSampler({ clock }, { most: 1 });
  const arrivedAt = new WeakMap<ServerResponse, number>();
  const heldRequests = createHeldRequests({ clock, store, renewals, send }, { containers, holdMs });
  const server = createLoopbackServer(
    { clock, handle, onClose, callers: { ofAddress: () => ({ caller: WITHOUT_TOKEN }), ofRequest: callerOf } },
    { port, closeGraceMs: ENDPOINT_CLOSE_GRACE_MS, limits },
  );

  /** Not the address: a program in the pod can connect from all of 127.0.0.0/8. */
  function callerOf({ headers: { authorization } }: IncomingMessage): string | undefined {
    const match = authorization ? matchToken(authorization) : undefined;
    return match?.token === "current" ? `token ${match.containerIndex}` : WITHOUT_TOKEN;
  }

  function handle(request: IncomingMessage, response: ServerResponse): void {
    arrivedAt.set(response, clock.elapsedMs());
    const foreign = findForeignOrigin(request);
    // Such a request may have a body, which is not read.
    if (foreign !== undefined) return reply(codedRefusal("HOST_FORBIDDEN", foreign, ["Connection", "close"]), response);
    const { url = "", method } = request;
    const end = url.indexOf("?");
    if ((end < 0 ? url : url.slice(0, end)) !== CREDENTIALS_PATH) {
      if (otherPaths) return replyToOtherPath(otherPaths(request), response);
      return reply(codedRefusal("PATH_UNKNOWN", `the path is unknown; expected ${CREDENTIALS_PATH}`), response);
    }
    if (method !== "GET" && method !== "HEAD") {
      // Such a request may have a body, which is not read, so the connection cannot be used again.
      const extra = ["Allow", "GET, HEAD", "Connection", "close"];
      return reply(codedRefusal("METHOD_UNKNOWN", `the method is ${method}; expected GET`, extra), response);
    }
    // SDKs send the token file's content unchanged, without "Bearer".
    const { authorization } = request.headers;
    if (!authorization) {
      const state = "the request has no Authorization header; expected the content of the container's token file";
      return reply(codedRefusal("TOKEN_MISSING", state), response);
    }
    const match = matchToken(authorization);
    if (match.token === "replaced") {
      const state = "the token is from before the sidecar's last start; expected the present content of the token file";
      return reply(codedRefusal("TOKEN_REPLACED", state, RETRY_SOON), response);
    }
    if (match.token === "unknown") {
      const state =
        "the Authorization header is not a token of this pod; expected the content of the container's token file";
      return reply(codedRefusal("TOKEN_MISMATCH", state), response);
    }
    const { containerIndex } = match;
    lookUp(() => credentialsOf(containerIndex), containerIndex, response);
  }

  function credentialsOf(index: number): CodedReply | undefined {
    const reply = store.reply(index);
    return reply && { reply, code: "OK" };
  }

  function replyToOtherPath(found: CodedReply | Lookup, response: ServerResponse): void {
    if (typeof found !== "function") return reply(found, response);
    const index = containers.findIndex((_container, each) => !store.reply(each));
    lookUp(found, Math.max(0, index), response);
  }

  /** Replies with what the lookup finds; without credentials, the request is held for the container's next ones. */
  function lookUp(find: Lookup, index: number, response: ServerResponse): void {
    const found = find();
    if (found) reply(found, response);
    else heldRequests.hold(index, response, find);
  }

  function reply(result: CodedReply, response: ServerResponse): void {
    if (result.code !== "OK" && result.reason !== undefined) logRefusal(result.code, result.reason);
    send(response, result);
  }

  function logRefusal(code: ErrorCode, reason: string): void {
    if (sampler.take(code) === undefined) return;
    log.warn({ code, reason, remedy: ERRORS[code].remedy }, "a request was refused");
  }

  function send(response: ServerResponse, { reply: { status, headers, body }, code }: CodedReply): void {
    const now = clock.elapsedMs();
    count(code, now - (arrivedAt.get(response) ?? now));
    response.writeHead(status, [...headers]).end(body);
  }

  return {
    listen: () => server.listen(),
    close() {
      heldRequests.releaseAll();
      return server.close();
    },
  };
}

function codedRefusal(code: ErrorCode, state: string, extra?: readonly string[]): CodedReply {
  const message = `Cannot ${code === "HOST_FORBIDDEN" ? "serve the request" : "return credentials"}: ${state}`;
  return { reply: refusalReply({ code, message }, extra), code, reason: message };
}
