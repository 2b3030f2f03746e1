// Servers of tests on the loopback interface.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import type { TestScope } from "./temporary-files.ts";

/** Binds a port of 127.0.0.1, any free one by default, and resolves with it. The caller closes the server. */
export async function bindLoopback(server: Server, port = 0): Promise<number> {
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

/** As bindLoopback(); closes the server and its HTTP connections when the test has ended. */
export async function listenOnLoopback(scope: TestScope, server: Server): Promise<number> {
  scope.after(() => {
    server.close();
    if ("closeAllConnections" in server) (server as Server & { closeAllConnections(): void }).closeAllConnections();
  });
  return bindLoopback(server);
}

/** Relays a connection to a port of 127.0.0.1 and returns the other socket; the end of either socket ends both. */
export function relayTo(port: number, socket: Socket): Socket {
  const upstream = connect(port, "127.0.0.1");
  socket.pipe(upstream).pipe(socket);
  socket.on("error", () => upstream.destroy()).on("close", () => upstream.destroy());
  return upstream.on("error", () => socket.destroy()).on("close", () => socket.destroy());
}

/** Resolves with two ports that are free at the time of the call. */
export async function freePorts(): Promise<readonly [number, number]> {
  const [first, second] = [createServer(), createServer()];
  const ports = [await bindLoopback(first), await bindLoopback(second)] as const;
  await Promise.all([first, second].map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** Resolves with a port that is free at the time of the call. */
export async function freePort(): Promise<number> {
  return (await freePorts())[0];
}
