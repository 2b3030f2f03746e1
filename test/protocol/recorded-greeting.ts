// The first message of a TLS client, recorded so that it can be sent again at no cost.
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { connect } from "node:tls";

/** Resolves with the ClientHello of a client that offers only this key exchange group, by its name in OpenSSL. */
export async function recordGreeting(group: string): Promise<Buffer> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const accepted = once(server, "connection") as Promise<[Socket]>;
  const client = connect({ host: "127.0.0.1", port, ecdhCurve: group, rejectUnauthorized: false }).on(
    "error",
    () => {},
  );
  const [socket] = await accepted;
  const [greeting] = (await once(socket, "data")) as [Buffer];
  client.destroy();
  socket.destroy();
  server.close();
  return greeting;
}
