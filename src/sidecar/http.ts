// What the sidecar's two HTTP servers have in common: limits against clients that are slow, large or many, and ends.
// Both are reachable by whoever shares the pod's network; neither reads a request body.
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";

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

/** Resolves with the port; rejects with the system's error (EADDRINUSE, EADDRNOTAVAIL). Without `host`: every address. */
export function listen(server: Server, port: number, host?: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen({ port, host }, () => {
      server.off("error", reject);
      resolve((server.address() as AddressInfo).port);
    });
  });
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
