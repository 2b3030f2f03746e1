// Stand-in for src/sidecar/http/servers.ts: a server is the function that handles its requests, found by its port.
import type { HttpServer, HttpServerDeps, HttpServerOptions } from "../../../src/sidecar/http/servers.ts";
import { currentWorld } from "../surroundings.ts";

export const ENDPOINT_LIMITS = undefined;
export const HEALTH_LIMITS = undefined;

function createServer({ handle }: HttpServerDeps, { port }: HttpServerOptions): HttpServer {
  const { podServers } = currentWorld();
  return {
    async listen() {
      podServers.set(port, handle);
      return port;
    },
    async close() {
      if (podServers.get(port) === handle) podServers.delete(port);
    },
  };
}

export const createPodServer = createServer;
export const createLoopbackServer = createServer;
