// The HTTP servers of the sidecar: limits against slow, large or numerous clients, listening and closing. Every program
// in the pod's network namespace can connect, and no server reads a request body.
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { PodroleError } from "../../protocol/errors.ts";

const LIMITS = {
  // A token has 43 characters; SDKs add a user agent and tracing headers.
  maxHeaderSize: 8 * 1024,
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 5_000,
  connectionsCheckingInterval: 5_000,
} as const;

/** More than the workers of a large PHP or Python pod; each connection costs about 10 KB. */
const MAX_CONNECTIONS = 1_024;

/** Something that listens on one port. */
export interface HttpServer {
  /** Resolves with the port. Rejects with PodroleError INTERNAL if another container uses it, or the system's error. */
  listen(): Promise<number>;
  close(): Promise<void>;
}

/** How a server listens. `closeGraceMs`: milliseconds that running requests may take after close(). */
export interface HttpServerOptions {
  /** 0: any free port. */
  readonly port: number;
  readonly closeGraceMs: number;
}

/** Creates a server on all addresses of the pod. */
export function createPodServer(handle: RequestListener, { port, closeGraceMs }: HttpServerOptions): HttpServer {
  const server = createLimitedServer(handle);
  return { listen: () => listen(server, port), close: () => close(server, closeGraceMs) };
}

/** Creates a server on 127.0.0.1 and ::1, or on the one of them that the pod has. */
export function createLoopbackServer(handle: RequestListener, { port, closeGraceMs }: HttpServerOptions): HttpServer {
  const [v4, v6] = [createLimitedServer(handle), createLimitedServer(handle)] as const;
  return {
    async listen() {
      const v4Port = await listenIfPresent(v4, port, "127.0.0.1");
      const v6Port = await listenIfPresent(v6, v4Port ?? port, "::1");
      if (v4Port ?? v6Port) return (v4Port ?? v6Port) as number;
      throw new PodroleError("INTERNAL", "Cannot listen: the pod has no loopback address; expected 127.0.0.1 or ::1");
    },
    async close() {
      await Promise.all([close(v4, closeGraceMs), close(v6, closeGraceMs)]);
    },
  };
}

function createLimitedServer(handle: RequestListener): Server {
  const server = createServer(LIMITS, handle);
  server.maxConnections = MAX_CONNECTIONS;
  return server;
}

function listen(server: Server, port: number, host?: string): Promise<number> {
  return new Promise((resolve, reject) => {
    // Never removed: a later error concerns one connection that could not be accepted, and must not end the process.
    server.on("error", (error: NodeJS.ErrnoException) => reject(error.code === "EADDRINUSE" ? portInUse(port) : error));
    server.listen({ port, host }, () => resolve((server.address() as AddressInfo).port));
  });
}

/** Resolves with undefined if the pod lacks the address: it may have no IPv6, or no IPv4. */
async function listenIfPresent(server: Server, port: number, host: string): Promise<number | undefined> {
  try {
    return await listen(server, port, host);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EADDRNOTAVAIL" || code === "EAFNOSUPPORT") return undefined;
    throw error;
  }
}

function portInUse(port: number): PodroleError {
  const state = "another container of this pod uses it";
  const expected = "expected that container to declare the port in the pod spec, so that podrole avoids it";
  return new PodroleError("INTERNAL", `Cannot listen on port ${port}: ${state}; ${expected}`);
}

/** Accepts no more connections, closes idle ones now and the others after their response or after `graceMs`. */
function close(server: Server, graceMs: number): Promise<void> {
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
