// A Kubernetes Service as TCP connections see it: one address in front of the replicas, used in turn. A dead replica
// receives connections until it is removed from `endpoints`, as with a real Service.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface Service {
  /** "127.0.0.1:<port>" */
  readonly address: string;
  /** Ports of the replicas; the test adds and removes them. */
  readonly endpoints: number[];
  /** Number of connections that each replica accepted, by its port. */
  readonly accepted: ReadonlyMap<number, number>;
  /** Number of connections to a replica that was not running. */
  readonly refused: () => number;
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
    const upstream = connect(port, "127.0.0.1");
    upstream.once("connect", () => accepted.set(port, (accepted.get(port) ?? 0) + 1));
    upstream.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNREFUSED") refused += 1;
    });
    socket.pipe(upstream).pipe(socket);
    for (const [one, other] of [
      [socket, upstream],
      [upstream, socket],
    ] as const) {
      open.add(one);
      one
        .on("error", () => other.destroy())
        .on("close", () => {
          open.delete(one);
          other.destroy();
        });
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    endpoints,
    accepted,
    refused: () => refused,
    async close() {
      const closed = once(server, "close");
      server.close();
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}
