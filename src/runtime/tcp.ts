// TCP connections that carry nothing: they only show whether somebody listens.
import { connect } from "node:net";

/**
 * Reports whether a TCP connection to `host`:`port` can be opened within `timeoutMs`, and closes it at once. Tries
 * every address of the name. Never rejects.
 */
export function canConnect(
  { host, port }: { readonly host: string; readonly port: number },
  timeoutMs: number,
): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: timeoutMs });
    socket.once("connect", () => resolve(true));
    socket.once("error", () => resolve(false));
    socket.once("close", () => resolve(false));
    for (const event of ["connect", "timeout"]) socket.once(event, () => socket.destroy());
  });
}
