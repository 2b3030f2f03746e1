// Free ports for the demo's pod: on one's own machine 9763 and 9764 may be taken, in a pod they never are.
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";

const TRIES = 20;

/** How far to move the sidecar's two neighbouring ports, of which `first` is the lower, so that both are free. */
export async function freeOffset(first: number): Promise<number> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const port = await tryPort(0);
    if (port !== undefined && (await tryPort(port + 1)) !== undefined) return port - first;
  }
  throw new RangeError(`found no two free neighbouring ports on 127.0.0.1 in ${TRIES} tries`);
}

/** The port that could be bound, undefined when it is taken. */
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
