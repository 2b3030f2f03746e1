// Free ports for the demo's pod: unlike in a pod, 9763 and 9764 may be in use on this machine.
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

const MAX_PORT_ATTEMPTS = 20;

/**
 * Offset for the sidecar's two adjacent ports so that both are free; `first` is the lower one. Throws if there are
 * none.
 */
export async function freeOffset(first: number): Promise<number> {
  for (let attempt = 0; attempt < MAX_PORT_ATTEMPTS; attempt++) {
    const port = await tryPort(0);
    if (port !== undefined && (await tryPort(port + 1)) !== undefined) return port - first;
  }
  throw new Error(
    `Cannot find two free adjacent ports on 127.0.0.1: none in ${MAX_PORT_ATTEMPTS} attempts; expected a pair within them`,
  );
}

/** The port that was bound; undefined if it is in use. */
async function tryPort(port: number): Promise<number | undefined> {
  const server = createServer();
  try {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  } catch {
    return undefined;
  } finally {
    server.close();
  }
}
