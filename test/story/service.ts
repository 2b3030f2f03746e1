// A Kubernetes Service as TCP connections see it: one address in front of the replicas, used in turn. A dead replica
// receives connections until it is removed from `endpoints`, as with a real Service.
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { bindLoopback, relayTo } from "../loopback.ts";

export interface Service {
  /** "127.0.0.1:<port>" */
  readonly address: string;
  /** Ports of the replicas; the test adds and removes them. */
  readonly endpoints: number[];
  /** Number of connections that each replica accepted, by its port. */
  readonly accepted: ReadonlyMap<number, number>;
  /** Number of connections to a replica that was not running. */
  readonly refused: () => number;
  /** Refuses connections, as a Service without endpoints does, until resume(); ends the open ones. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Call it only while the Service accepts connections. */
  close(): Promise<void>;
}

export async function startService(): Promise<Service> {
  const endpoints: number[] = [];
  const accepted = new Map<number, number>();
  const open = new Set<Socket>();
  let turn = 0;
  let refused = 0;

  const server = createServer((socket) => {
    const port = endpoints[turn++ % endpoints.length];
    if (port === undefined) return void socket.destroy();
    const upstream = relayTo(port, socket);
    upstream.once("connect", () => accepted.set(port, (accepted.get(port) ?? 0) + 1));
    upstream.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNREFUSED") refused += 1;
    });
    for (const each of [socket, upstream]) open.add(each.on("close", () => open.delete(each)));
  });
  async function pause(): Promise<void> {
    const closed = once(server, "close");
    server.close();
    for (const socket of open) socket.destroy();
    await closed;
  }
  const port = await bindLoopback(server);
  return {
    address: `127.0.0.1:${port}`,
    endpoints,
    accepted,
    refused: () => refused,
    pause,
    async resume() {
      await bindLoopback(server, port);
    },
    close: pause,
  };
}
