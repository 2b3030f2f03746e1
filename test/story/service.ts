// A Service of Kubernetes as connections see it: one address, behind it the replicas in turn, a dead one included as long
// as nobody has taken it off the list.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface Service {
  /** "127.0.0.1:<port>" */
  readonly address: string;
  /** Ports of the replicas. */
  readonly endpoints: number[];
  /** Connections that each replica took, by its port. */
  readonly taken: ReadonlyMap<number, number>;
  /** Connections that met a replica that was not there. */
  readonly refused: () => number;
  close(): Promise<void>;
}

export async function startService(): Promise<Service> {
  const endpoints: number[] = [];
  const taken = new Map<number, number>();
  const open = new Set<Socket>();
  let turn = 0;
  let refused = 0;

  const server = createServer((socket) => {
    const port = endpoints[turn++ % endpoints.length];
    if (port === undefined) return void socket.destroy();
    const onward = connect(port, "127.0.0.1");
    onward.once("connect", () => taken.set(port, (taken.get(port) ?? 0) + 1));
    onward.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNREFUSED") refused += 1;
    });
    socket.pipe(onward).pipe(socket);
    for (const [one, other] of [
      [socket, onward],
      [onward, socket],
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
    taken,
    refused: () => refused,
    async close() {
      const closed = once(server, "close");
      server.close();
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}
