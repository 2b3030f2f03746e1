// A TCP proxy between an SDK and the sidecar, or in place of an HTTP proxy: forwards bytes and records what clients
// send.
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { bindLoopback, relayTo } from "../loopback.ts";

export interface RecordingProxy {
  readonly port: number;
  /** Resolves when a client has sent the first bytes. */
  readonly received: Promise<void>;
  /** Everything that clients have sent, as text. */
  sent(): string;
  close(): Promise<void>;
}

/** `target` is the port to forward to; without it, a connection is closed after its first bytes, without an answer. */
export async function createRecordingProxy(target?: number): Promise<RecordingProxy> {
  const { promise: received, resolve } = Promise.withResolvers<void>();
  const sockets = new Set<Socket>();
  let text = "";

  const server = createServer((socket) => {
    const onward = target === undefined ? undefined : relayTo(target, socket);
    for (const each of onward ? [socket, onward] : [socket]) {
      sockets.add(each);
      each.on("error", () => each.destroy()).on("close", () => sockets.delete(each));
    }
    socket.on("data", (bytes) => {
      text += bytes.toString();
      resolve();
      if (onward === undefined) socket.destroy();
    });
  });
  return {
    port: await bindLoopback(server),
    received,
    sent: () => text,
    async close() {
      const closed = once(server, "close");
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}
