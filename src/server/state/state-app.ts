// The state port: HTTPS, GET /podrole/state. It is separate from the pages' port, so that strangers at one cannot keep
// callers out of the other, and a token never crosses the network in clear text. It converts requests and answers;
// authorize-reader.ts decides. States: created → listening → closed (close(): connections end). Connections and
// requests end within the budget (runtime/budget.ts).
import type { Server } from "node:https";
import type { AddressInfo } from "node:net";
import { type FastifyInstance, type FastifyReply, fastify } from "fastify";
import { ERRORS, type ErrorCode, isRefusal, type Refusal, refuse, toPodroleError } from "../../protocol/errors.ts";
import { STATE_PATH, STATE_TOKEN_HEADER } from "../../protocol/state/model.ts";
import { httpsContext, type TlsSource } from "../../protocol/tls.ts";
import { type BudgetLimits, type CloseReason, createBudget } from "../../runtime/budget.ts";
import { endWithBody, LISTEN_BACKLOG, limitHttp, nodeTimeouts } from "../../runtime/budget-http.ts";
import type { Clock } from "../../runtime/clock.ts";
import { isDnsLabel } from "../../runtime/dns-names.ts";
import type { IntakeLimits } from "../../runtime/intake-stream.ts";
import type { Log } from "../../runtime/log.ts";
import { Secret } from "../../runtime/secret.ts";
import type { Address } from "../../runtime/settings.ts";
import { limitIntake } from "../../runtime/tls-intake.ts";

/** What a caller requests. */
export interface StateQuestion {
  readonly token: Secret;
  /** A DNS label; absent: the whole cluster. */
  readonly namespace?: string;
  /** `next` of the page before. */
  readonly after?: string;
  /** "ip:port". */
  readonly peer: string;
}

export interface StateAppDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly tls: TlsSource;
  /** Resolves with the JSON of one page, or with why the caller gets none. */
  readonly answer: (question: StateQuestion) => Promise<string | Refusal>;
  /** Receives the reason of each connection that the budget closes. */
  readonly onClose?: (reason: CloseReason) => void;
}

/**
 * A page and the texts from which it is made take up to 3 MiB: 12 MiB, and 32 connections 2 MiB. The callers are the
 * API server's proxies.
 */
export const STATE_LIMITS: BudgetLimits = {
  connections: 32,
  handshakes: 16,
  requests: 4,
  // No request has a body.
  bytes: 16 * 1024,
  requestsPerConnection: 2,
  headersMs: 5_000,
  bodyMs: 5_000,
  callMs: 15_000,
  keepAliveMs: 5_000,
  sweepMs: 1_000,
};

/** Go's HTTP client begins with 1.7 KiB, and sends no certificate. */
const STATE_INTAKE: IntakeLimits = { greetingBytes: 2 * 1024, proofBytes: 1024, handshakeBytes: 4 * 1024 };

/** Longer than the name of every namespace with that of a pod. */
const MAX_POSITION_LENGTH = 400;

/** Serves the port until `close()`. */
export interface StatePort {
  readonly port: number;
  close(): Promise<void>;
}

/** Binds the port; rejects if it cannot be bound. */
export async function openStatePort(deps: StateAppDeps, { host, port }: Address): Promise<StatePort> {
  const app = createStateApp(deps);
  const context = () => httpsContext(deps.tls);
  const unsubscribe = deps.tls.onChange(() => app.server.setSecureContext(context()));
  await app.listen({ host, port, backlog: LISTEN_BACKLOG });
  return {
    port: (app.server.address() as AddressInfo).port,
    async close() {
      unsubscribe();
      await app.close();
    },
  };
}

/** Creates the route without a listener, so that tests call it through inject(). */
export function createStateApp(
  { clock, log, tls, answer, onClose }: StateAppDeps,
  { limits = STATE_LIMITS }: { readonly limits?: BudgetLimits } = {},
): FastifyInstance<Server> {
  const timeouts = nodeTimeouts(limits);
  const { keepAliveTimeout, requestTimeout } = timeouts;
  const app: FastifyInstance<Server> = fastify({
    https: {
      ...httpsContext(tls),
      ...timeouts,
      handshakeTimeout: limits.headersMs,
      maxHeaderSize: MAX_HEADER_BYTES,
    },
    keepAliveTimeout,
    requestTimeout,
    forceCloseConnections: true,
  });
  const onSurplus = () => onClose?.("handshakes");
  const intake = limitIntake(app.server, { clock, proof: "call", onSurplus }, () => STATE_INTAKE);
  const requests = limitHttp(app.server, createBudget({ clock, ...(onClose && { onClose }) }, limits), {
    heldBackMs: (socket) => intake.heldBackMs(socket),
  });
  app.addHook("onRequest", (request, reply, done) => {
    if (!requests.begin(request.raw, reply.raw)) return void reply.hijack();
    endWithBody(request.raw, reply.raw);
    done();
  });
  app.get(STATE_PATH, async (request, reply) => {
    const token = request.headers[STATE_TOKEN_HEADER];
    const place = readPlace(request.query as Readonly<Record<string, unknown>>);
    if (isRefusal(place)) return sendRefusal(reply, place);
    const peer = `${request.ip}:${request.socket.remotePort ?? 0}`;
    try {
      const text = await answer({ ...place, token: new Secret(typeof token === "string" ? token : ""), peer });
      if (isRefusal(text)) return sendRefusal(reply, text);
      intake.prove(peer);
      return reply.header("cache-control", "no-store").type("application/json").send(text);
    } catch (thrown) {
      const error = toPodroleError(thrown);
      log.warn({ code: error.code, err: error.cause ?? error }, "could not report the state");
      return sendRefusal(reply, error);
    }
  });
  app.setNotFoundHandler((_request, reply) => {
    return sendRefusal(reply, refuse("PATH_UNKNOWN", `Cannot serve this path or method; expected GET ${STATE_PATH}`));
  });
  app.setErrorHandler((_error, _request, reply) => {
    return sendRefusal(reply, refuse("REQUEST_INVALID", `Cannot read the request; expected GET ${STATE_PATH}`));
  });
  return app;
}

/** A token has up to 4 KiB. */
const MAX_HEADER_BYTES = 16 * 1024;

/** At the sidecar's endpoint SDKs retry a 503; here a token that is not accepted is what HTTP calls 401. */
function statusOfRefusal(code: ErrorCode): number {
  return code === "PROOF_REJECTED" ? 401 : ERRORS[code].http;
}

function sendRefusal(reply: FastifyReply, { code, message }: Refusal): FastifyReply {
  const response = reply.code(statusOfRefusal(code)).header("cache-control", "no-store");
  // Browsers and kubectl's proxies show a status without a body badly, so the remedy comes with it.
  return response.send({ code, message, remedy: ERRORS[code].remedy });
}

function readPlace(query: Readonly<Record<string, unknown>>): Pick<StateQuestion, "namespace" | "after"> | Refusal {
  const { namespace, continue: after } = query;
  if (namespace !== undefined && !(typeof namespace === "string" && isDnsLabel(namespace))) {
    return refuse("REQUEST_INVALID", "Cannot report the state: namespace is not a DNS label; expected a namespace");
  }
  if (after !== undefined && !(typeof after === "string" && after.length <= MAX_POSITION_LENGTH)) {
    return refuse("REQUEST_INVALID", "Cannot report the state: continue is no position; expected that of a page");
  }
  return { ...(namespace !== undefined && { namespace }), ...(after !== undefined && { after }) };
}
