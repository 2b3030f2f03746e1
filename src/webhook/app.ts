// The webhook's HTTPS port: POST /mutate. Trusted to turn bytes into an AdmissionReview and back, and to show the current
// serving certificate; decides nothing. States: created → listening (listen) → closing (close: requests on their way are
// still answered, idle connections end) → closed.
import type { Server } from "node:https";
import type { AddressInfo } from "node:net";
import { type FastifyError, type FastifyInstance, fastify } from "fastify";
import { ERRORS } from "../protocol/errors.ts";
import type { TlsSource } from "../protocol/tls.ts";
import type { Log } from "../runtime/log.ts";
import type { Admit } from "./admit.ts";
import { formatReview, readReview } from "./review.ts";

export interface WebhookAppDeps {
  readonly admit: Admit;
  readonly log: Log;
  readonly tls: TlsSource;
  /** Hears the HTTP status of every answer to something that is no AdmissionReview. */
  readonly onUnreadable: (status: number) => void;
}

export interface WebhookAppOptions {
  readonly host: string;
  /** 0: a free one. */
  readonly port: number;
}

export interface WebhookApp {
  /** For tests: `http.inject()` asks without a connection. */
  readonly http: FastifyInstance<Server>;
  /** Binds and answers; resolves with the port. */
  listen(): Promise<number>;
  close(): Promise<void>;
}

/** etcd takes objects up to 1.5 MiB and the API server requests up to 3 MiB: object, old object, and the rest. */
const LARGEST_BODY = 7 * 1024 * 1024;
/** Go's client keeps connections for 90 s: ending them earlier would meet requests on their way. */
const KEEP_ALIVE_MS = 90_000;
/** No admission request outlives the API server's own limit of 34 s. */
const HEADERS_MS = 32_000;

export function createWebhookApp(deps: WebhookAppDeps, { host, port }: WebhookAppOptions): WebhookApp {
  const { tls } = deps;
  const http: FastifyInstance<Server> = fastify({
    https: { ...secureContext(tls), headersTimeout: HEADERS_MS },
    bodyLimit: LARGEST_BODY,
    keepAliveTimeout: KEEP_ALIVE_MS,
    requestTimeout: HEADERS_MS,
    forceCloseConnections: "idle",
    // A request on a connection that is still open gets its answer, not a 503 that would refuse a pod.
    return503OnClosing: false,
  });
  routes(http, deps);
  const unsubscribe = tls.onChange(() => http.server.setSecureContext(secureContext(tls)));
  return {
    http,
    async listen() {
      await http.listen({ host, port });
      return (http.server.address() as AddressInfo).port;
    },
    async close() {
      unsubscribe();
      await http.close();
    },
  };
}

function routes(http: FastifyInstance<Server>, { admit, log, onUnreadable }: WebhookAppDeps): void {
  http.removeContentTypeParser("text/plain");
  http.post("/mutate", async (request, reply) => {
    const read = readReview(request.body);
    if (read.ok) {
      const { response } = await admit(read.request);
      return reply.send(formatReview(response));
    }
    const { uid, refusal } = read;
    const { code, message } = refusal;
    log.warn({ code, request: uid }, message);
    onUnreadable(uid === undefined ? 400 : 200);
    if (uid === undefined) return reply.code(400).send(refusal);
    const status = { code: ERRORS[code].http, reason: code, message: `${code}: ${message}` };
    return reply.send(formatReview({ uid, allowed: false, status }));
  });
  http.setNotFoundHandler((_request, reply) => {
    return reply.code(404).send({ code: "PATH_UNKNOWN", message: "Cannot answer: only POST /mutate is served here" });
  });
  http.setErrorHandler((error: FastifyError, _request, reply) => {
    const status = error.statusCode ?? 500;
    onUnreadable(status);
    if (status >= 500) {
      log.error({ err: error }, "could not answer a request");
      return reply.code(500).send({ code: "INTERNAL", message: "podrole failed; its log has the cause" });
    }
    log.warn({ status, state: error.code }, "a request to /mutate cannot be read");
    return reply.code(status).send({ code: "REQUEST_INVALID", message: `Cannot read the request: ${error.message}` });
  });
}

function secureContext(tls: TlsSource) {
  const { certificatePem, privateKey } = tls.current();
  return { cert: certificatePem, key: privateKey.reveal(), minVersion: "TLSv1.2" } as const;
}
