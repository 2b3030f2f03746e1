// What the sidecar's two HTTP servers have in common: limits against clients that are slow, large or many, and ends.
// Both are reachable by whoever shares the pod's network; neither reads a request body.
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

/** More than the workers of a large PHP or Python pod; each costs about 10 KB. */
const MOST_CONNECTIONS = 1_024;

export function createLimitedServer(handle: RequestListener): Server {
  const server = createServer(LIMITS, handle);
  server.maxConnections = MOST_CONNECTIONS;
  return server;
}

/** Resolves with the port; rejects when it is taken, or with the system's error. Without `host`: every address. */
export function listen(server: Server, port: number, host?: string): Promise<number> {
  return new Promise((resolve, reject) => {
    // Stays for good: a connection that could not be accepted later is that client's loss alone.
    server.on("error", (error: NodeJS.ErrnoException) => reject(error.code === "EADDRINUSE" ? taken(port) : error));
    server.listen({ port, host }, () => resolve((server.address() as AddressInfo).port));
  });
}

function taken(port: number): PodroleError {
  return new PodroleError(
    "INTERNAL",
    `Cannot listen on port ${port}: another container of this pod has it, declare that port there so that podrole avoids it`,
  );
}

/** Takes no more connections and ends those there are: idle ones now, the others when answered or after `graceMs`. */
export function close(server: Server, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    if (!server.listening) return resolve();
    const cut = setTimeout(() => server.closeAllConnections(), graceMs);
    server.close(() => {
      clearTimeout(cut);
      resolve();
    });
    server.closeIdleConnections();
  });
}
