// The HTTP servers of the sidecar: a budget against slow, large or numerous clients, listening and closing. Every
// program in the pod's network namespace can connect, and no server reads a request body.
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { PodroleError } from "../../protocol/errors.ts";
import { type BudgetLimits, type CloseReason, createBudget } from "../../runtime/budget.ts";
import { type CallerRules, endWithBody, limitHttp } from "../../runtime/budget-http.ts";
import type { Clock } from "../../runtime/clock.ts";

/** A token has 43 characters; SDKs add a user agent and tracing headers. */
const MAX_HTTP_HEADERS_BYTES = 8 * 1024;

const COMMON_LIMITS = {
  // Bodies are not read and not counted.
  bytes: Number.POSITIVE_INFINITY,
  // No SDK pipelines, and each request that waits behind another one would be kept in memory.
  requestsPerConnection: 1,
  headersMs: 5_000,
  bodyMs: 5_000,
  callMs: 5_000,
  keepAliveMs: 5_000,
  sweepMs: 2_000,
} as const;

/**
 * Of the container's 96 MiB, the serving process and a renewal take about 60. Each connection with a request that waits
 * for credentials costs about 24 KiB: 24 MiB here, and 2 MiB on the health port.
 */
export const ENDPOINT_LIMITS: BudgetLimits = {
  ...COMMON_LIMITS,
  // More than the workers of a large PHP or Python pod.
  connections: 1_024,
  requests: 1_024,
};
/** The kubelet, Prometheus and few others, with one short request each. */
export const HEALTH_LIMITS: BudgetLimits = { ...COMMON_LIMITS, connections: 64, requests: 64 };

/** Something that listens on one port. */
export interface HttpServer {
  /** Resolves with the port. Rejects with PodroleError PORT_TAKEN or LOOPBACK_MISSING, or the system's error. */
  listen(): Promise<number>;
  close(): Promise<void>;
}

/** What a server calls. */
export interface HttpServerDeps {
  readonly clock: Clock;
  readonly handle: RequestListener;
  /** Receives the reason of each connection that the budget closes. */
  readonly onClose?: ((reason: CloseReason) => void) | undefined;
  readonly callers?: CallerRules;
}

/** How a server listens. `closeGraceMs`: milliseconds that running requests may take after close(). */
export interface HttpServerOptions {
  /** 0: any free port. */
  readonly port: number;
  readonly closeGraceMs: number;
  readonly limits: BudgetLimits;
}

/** Creates a server on all addresses of the pod. */
export function createPodServer(deps: HttpServerDeps, { port, closeGraceMs, limits }: HttpServerOptions): HttpServer {
  const server = limitedServers(deps, limits)();
  return { listen: () => listenOn(server, port), close: () => closeServer(server, closeGraceMs) };
}

/** Creates a server on 127.0.0.1 and ::1, or on the one of them that the pod has; both share one budget. */
export function createLoopbackServer(
  deps: HttpServerDeps,
  { port, closeGraceMs, limits }: HttpServerOptions,
): HttpServer {
  const limitedServer = limitedServers(deps, limits);
  const [v4, v6] = [limitedServer(), limitedServer()] as const;
  return {
    async listen() {
      const v4Port = await listenIfPresent(v4, port, "127.0.0.1");
      const v6Port = await listenIfPresent(v6, v4Port ?? port, "::1");
      if (v4Port ?? v6Port) return (v4Port ?? v6Port) as number;
      throw new PodroleError(
        "LOOPBACK_MISSING",
        "Cannot listen: the pod has no loopback address; expected 127.0.0.1 or ::1",
      );
    },
    async close() {
      await Promise.all([closeServer(v4, closeGraceMs), closeServer(v6, closeGraceMs)]);
    },
  };
}

/**
 * The budget alone limits the time for headers and bodies: Node's own limits reset a connection whose request has
 * arrived if the process stood still before it could read it, as on a starved node. Node announces the time for which
 * an idle connection is kept (Keep-Alive), so that clients do not use it later; the budget may end it a sweep early.
 */
function budgetOnlyTimeouts({ keepAliveMs, sweepMs }: BudgetLimits) {
  return { headersTimeout: 0, requestTimeout: 0, keepAliveTimeout: keepAliveMs - sweepMs } as const;
}

function limitedServers({ clock, handle, onClose, callers }: HttpServerDeps, limits: BudgetLimits): () => Server {
  const budget = createBudget({ clock, ...(onClose && { onClose }) }, limits);
  return () => {
    const server = createServer(
      { maxHeaderSize: MAX_HTTP_HEADERS_BYTES, ...budgetOnlyTimeouts(limits) },
      (request, response) => {
        if (!requests.begin(request, response)) return;
        endWithBody(request, response);
        handle(request, response);
      },
    );
    const requests = limitHttp(server, budget, callers);
    return server;
  };
}

/**
 * Connections that the kernel keeps until the sidecar accepts them. A probe or an app's request waits behind them: a
 * sidecar with 100 millicores accepts 200 to 400 connections a second, so for less than a second. A connection that
 * finds the queue full is repeated by its own kernel after 1 s (RFC 6298).
 */
const MAX_UNACCEPTED_CONNECTIONS = 128;

function listenOn(server: Server, port: number, host?: string): Promise<number> {
  return new Promise((resolve, reject) => {
    // Never removed: a later error concerns one connection that could not be accepted, and must not end the process.
    server.on("error", (error: NodeJS.ErrnoException) => reject(error.code === "EADDRINUSE" ? portInUse(port) : error));
    server.listen({ port, host, backlog: MAX_UNACCEPTED_CONNECTIONS }, () =>
      resolve((server.address() as AddressInfo).port),
    );
  });
}

/** Resolves with undefined if the pod lacks the address: it may have no IPv6, or no IPv4. */
async function listenIfPresent(server: Server, port: number, host: string): Promise<number | undefined> {
  try {
    return await listenOn(server, port, host);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EADDRNOTAVAIL" || code === "EAFNOSUPPORT") return undefined;
    throw error;
  }
}

function portInUse(port: number): PodroleError {
  const state = "another container of this pod uses it";
  const expected = "expected that container to declare the port in the pod spec, so that podrole avoids it";
  return new PodroleError("PORT_TAKEN", `Cannot listen on port ${port}: ${state}; ${expected}`);
}

/** Accepts no more connections, closes idle ones now and the others after their response or after `graceMs`. */
function closeServer(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    if (!server.listening) return resolve();
    const timer = setTimeout(() => server.closeAllConnections(), graceMs);
    server.close(() => {
      clearTimeout(timer);
      resolve();
    });
    server.closeIdleConnections();
  });
}
