// Stands between an SDK and the sidecar, or in a proxy's place: passes bytes on and tells when the first ones came.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

export interface Witness {
  readonly port: number;
  /** Resolves when somebody has sent something. */
  readonly asked: Promise<void>;
  /** Everything that was sent, as text. */
  sent(): string;
  close(): Promise<void>;
}

/** Without `target` nothing is answered: connections end as soon as something has come. */
export async function createWitness(target?: number): Promise<Witness> {
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  const sockets = new Set<Socket>();
  let text = "";

  const server = createServer((socket) => {
    const onward = target === undefined ? undefined : connect(target, "127.0.0.1");
    for (const each of onward ? [socket, onward] : [socket]) {
      sockets.add(each);
      each.on("error", () => each.destroy()).on("close", () => sockets.delete(each));
    }
    socket.on("data", (bytes) => {
      text += bytes.toString();
      resolve();
      if (onward === undefined) socket.destroy();
    });
    if (onward === undefined) return;
    socket.pipe(onward).pipe(socket);
    socket.on("close", () => onward.destroy());
    onward.on("close", () => socket.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");

  return {
    port: (server.address() as AddressInfo).port,
    asked,
    sent: () => text,
    async close() {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
