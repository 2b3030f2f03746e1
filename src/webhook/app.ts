// The webhook's HTTPS port: POST /mutate. It converts bytes to an AdmissionReview and back and presents the current
// serving certificate; it decides nothing. States: created → listening (listen) → closing (close: requests in flight
// are still answered, idle connections end) → closed. Connections and requests end within the budget
// (runtime/budget.ts).
import type { Server } from "node:https";
import { type AddressInfo, BlockList, isIPv6 } from "node:net";
import type { TLSSocket } from "node:tls";
import { type FastifyError, type FastifyInstance, type FastifyRequest, fastify } from "fastify";
import { ERRORS, refuse } from "../protocol/errors.ts";
import { httpsContext, type TlsSource } from "../protocol/tls.ts";
import { type BudgetLimits, type CloseReason, createBudget } from "../runtime/budget.ts";
import { LISTEN_BACKLOG, limitHttp, nodeTimeouts, peerOf } from "../runtime/budget-http.ts";
import { createBufferCollector, garbageCollection } from "../runtime/buffer-collector.ts";
import type { Clock } from "../runtime/clock.ts";
import type { IntakeLimits } from "../runtime/intake-stream.ts";
import type { Log } from "../runtime/log.ts";
import { createSampler, sampledFields } from "../runtime/sampler.ts";
import type { Cidr } from "../runtime/settings.ts";
import { threadCpuMs } from "../runtime/thread-cpu.ts";
import { type LimitedIntake, limitIntake } from "../runtime/tls-intake.ts";
import type { Admit } from "./admit.ts";
import { limitBodies } from "./bodies.ts";
import { ANY_CALLER, type CallerProof, type CallerVerifier } from "./callers.ts";
import { formatReview, readAdmissionReview } from "./review.ts";
import { createTurns } from "./turns.ts";

/** The use case behind the port, and what the port itself needs. */
export interface WebhookAppDeps {
  readonly clock: Clock;
  readonly admit: Admit;
  readonly log: Log;
  readonly tls: TlsSource;
  /** By default every caller is served. */
  readonly callers?: CallerVerifier;
  /** Receives each refused caller: at the handshake with OpenSSL's code, at a request with podrole's. */
  readonly onRejected?: (reason: string) => void;
  /** Receives the HTTP status of every answer to a request that is not a readable AdmissionReview. */
  readonly onUnreadable: (status: number) => void;
  /** Receives the reason of each connection that the budget closes. */
  readonly onClose?: (reason: CloseReason) => void;
}

/** How the port is bound and limited. */
export interface WebhookAppOptions {
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Connections from these addresses have the budget to themselves and the first turns: others make room for them. */
  readonly apiServerCidrs?: readonly Cidr[] | undefined;
  readonly limits?: BudgetLimits;
}

/** The port; see the states at the top of this file. */
export interface WebhookApp {
  /** For tests: `http.inject()` sends a request without a connection. */
  readonly http: FastifyInstance<Server>;
  /** Binds the port and serves it; resolves with its number. */
  listen(): Promise<number>;
  /** Resolves when requests in flight are answered and every connection has ended. */
  close(): Promise<void>;
}

/**
 * The webhook may use 256 MiB, and V8 half of that. It takes about 110 MiB. Reviews in flight: 32 MiB; buffers that are
 * not collected yet: 24 MiB; expressions of namespaces: 24 MiB; parts, concatenation and text of the review that is
 * parsed at the moment: 9 MiB; connections: 42 MiB, 55 KiB each. Together 241 MiB.
 */
export const WEBHOOK_LIMITS: BudgetLimits = {
  // An API server has up to 600 requests in flight by default (max-requests-inflight and
  // max-mutating-requests-inflight).
  connections: 768,
  requests: 768,
  bytes: 32 * 1024 * 1024,
  // No client pipelines; but the next request may be read before this process learns that the last response is written.
  requestsPerConnection: 2,
  headersMs: 10_000,
  bodyMs: 10_000,
  // The API server waits at most 34 s for an admission request.
  callMs: 34_000,
  // Go's HTTP client keeps idle connections for 90 s; closing them earlier would cut off requests in flight.
  keepAliveMs: 95_000,
  sweepMs: 1_000,
};

/** More than a thousand pods of ordinary size. */
const COLLECTION_BYTES = 24 * 1024 * 1024;

/**
 * The API server's certificate has about 1.2 KiB with an RSA key of 2048 bits and 2 KiB with one of 4096 bits; chains
 * of several of these are slower only while many callers present such chains.
 */
const WEBHOOK_INTAKE: IntakeLimits = { greetingBytes: 2 * 1024, proofBytes: 2_560, handshakeBytes: 12 * 1024 };

/** OpenSSL's error for a handshake without a client certificate; it occurs only with --api-server-ca. */
const NO_CERTIFICATE = "ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE";

/** Creates the port; it serves after listen(). */
export function createWebhookApp(
  deps: WebhookAppDeps,
  { host, port, apiServerCidrs = [], limits = WEBHOOK_LIMITS }: WebhookAppOptions,
): WebhookApp {
  const { clock, tls, callers = ANY_CALLER, onRejected, onClose } = deps;
  const timeouts = nodeTimeouts(limits);
  const context = () => ({ ...httpsContext(tls), ...callers.tls() });
  const http: FastifyInstance<Server> = fastify({
    https: { ...context(), ...timeouts, handshakeTimeout: limits.headersMs },
    // fastify sets these two itself.
    keepAliveTimeout: timeouts.keepAliveTimeout,
    requestTimeout: timeouts.requestTimeout,
    forceCloseConnections: "idle",
    // A request on a connection that is still open is answered; a 503 would deny a pod.
    return503OnClosing: false,
  });
  const exempt = addressList(apiServerCidrs);
  const proof = callers.tls().requestCert === true ? "handshake" : "call";
  const onSurplus = () => onClose?.("handshakes");
  const intake = limitIntake(http.server, { clock, proof, onSurplus, isExempt: exempt }, () => WEBHOOK_INTAKE);
  const budget = createBudget({ clock, ...(onClose && { onClose }) }, limits);
  const requests = limitHttp(http.server, budget, {
    ofAddress: (address) => ({ caller: `address ${address}`, isExempt: exempt(address) }),
    ofCertificate,
    heldBackMs: (socket) => intake.heldBackMs(socket),
  });
  http.server.on("secureConnection", readThroughStream);
  const onReceived = createBufferCollector({ bytes: COLLECTION_BYTES, collect: garbageCollection() });
  const turns = createTurns({ nextTurn: setImmediate, cpuMs: threadCpuMs });
  limitBodies(http, { requests, turns, isApiServer: exempt, onReceived });
  addRoutes(http, { ...deps, callers, prove: (peer) => intake.prove(peer) });
  const unsubscribe = [tls, callers].map(({ onChange }) => onChange(() => http.server.setSecureContext(context())));
  http.server.on("tlsClientError", ({ code = "" }: NodeJS.ErrnoException, { authorizationError }) => {
    // Callers that hang up, or speak no TLS, say nothing about who they are.
    if (authorizationError) onRejected?.(String(authorizationError));
    else if (code === NO_CERTIFICATE) onRejected?.(code);
  });
  return {
    http,
    async listen() {
      await http.listen({ host, port, backlog: LISTEN_BACKLOG });
      return (http.server.address() as AddressInfo).port;
    },
    async close() {
      for (const end of unsubscribe) end();
      await http.close();
    },
  };
}

function addRoutes(
  http: FastifyInstance<Server>,
  deps: WebhookAppDeps & { readonly callers: CallerVerifier } & Pick<LimitedIntake, "prove">,
): void {
  const { clock, admit, log, onUnreadable, onRejected, callers, prove } = deps;
  const identified = new WeakMap<FastifyRequest, CallerProof>();
  const sampler = createSampler({ clock });
  /** Callers that proved nothing cannot fill the log. */
  function warn(kind: string, fields: object, message: string): void {
    const omitted = sampler.take(kind);
    if (omitted !== undefined) log.warn({ ...fields, ...sampledFields(omitted) }, message);
  }

  // Before the body is read.
  http.addHook("onRequest", async (request, reply) => {
    const caller = callers.identify(request.raw.socket as TLSSocket);
    if (typeof caller === "string") {
      identified.set(request, caller);
      return;
    }
    onRejected?.(caller.code);
    warn(caller.code, { code: caller.code, peer: request.ip }, caller.message);
    return reply.code(403).header("connection", "close").send(caller);
  });
  http.post("/mutate", async (request, reply) => {
    const read = readAdmissionReview(request.body);
    if (read.ok) {
      // Says nothing about who calls, but an API server's connections are told apart from those without a review.
      prove(peerOf(request.raw.socket));
      const { response } = await admit({ ...read.value, caller: identified.get(request) ?? "unproven" });
      return reply.send(formatReview(response));
    }
    const { uid, refusal } = read.problem;
    const { code, message } = refusal;
    warn(code, { code, request: uid }, message);
    onUnreadable(uid === undefined ? 400 : 200);
    if (uid === undefined) return reply.code(400).send(refusal);
    const status = { code: ERRORS[code].http, reason: code, message: `${code}: ${message}` };
    return reply.send(formatReview({ uid, allowed: false, status }));
  });
  http.setNotFoundHandler((_request, reply) => {
    const message = "Cannot serve this path or method: not known; expected POST /mutate";
    return reply.code(404).send(refuse("PATH_UNKNOWN", message));
  });
  http.setErrorHandler((error: FastifyError, request, reply) => {
    // Nobody waits for the answer; why the connection was closed is counted by the budget.
    if (request.raw.socket.destroyed) return reply.hijack();
    const status = error.statusCode ?? 500;
    onUnreadable(status);
    if (status >= 500) {
      log.error({ err: error }, "could not answer a request");
      const message = "Cannot answer: podrole failed, and the webhook's log has the cause";
      return reply.code(500).send(refuse("INTERNAL", message));
    }
    warn("body", { status, state: error.code }, "could not read a request to /mutate");
    const message = `Cannot read the request: ${error.message}; expected an AdmissionReview as JSON`;
    return reply.code(status).send(refuse("REQUEST_INVALID", message));
  });
}

/**
 * Makes Node read requests from the connection as from any other stream. Otherwise its parser takes them from TLS
 * directly, and cannot wait: if a response of more than 64 KiB is not written yet, Node pauses it, and closes the
 * connection if the next request has more than one TLS record.
 */
function readThroughStream(socket: TLSSocket): void {
  socket.on("data", () => {});
}

/** Only a certificate that was verified: anybody can make others, as many as they like. */
function ofCertificate(socket: TLSSocket): string | undefined {
  return socket.authorized ? `certificate ${socket.getPeerX509Certificate()?.fingerprint256}` : undefined;
}

function addressList(cidrs: readonly Cidr[]): (address: string) => boolean {
  const addresses = new BlockList();
  const familyOf = (address: string) => (isIPv6(address) ? "ipv6" : "ipv4");
  for (const { address, prefix } of cidrs) addresses.addSubnet(address, prefix, familyOf(address));
  return (address) => addresses.check(address, familyOf(address));
}
