// When an HTTPS server that reads from streams closes connections that are idle.
import type { Server as HttpsServer } from "node:https";
import type { TLSSocket } from "node:tls";

/** Turns of the event loop in which an answer leaves, unless its client does not read it. */
const MAX_SENDING_TURNS = 32;

/**
 * Lets answers leave before closeIdleConnections() closes their connections. To Node, a connection is idle as soon as
 * its answer has ended; but above a stream, TLS writes one part after the other, in later turns of the event loop.
 */
export function sendBeforeClosing(server: HttpsServer, open: ReadonlySet<TLSSocket>): void {
  const closeIdle = server.closeIdleConnections.bind(server);
  const close = (turnsLeft: number): void => {
    const isSending = [...open].some(({ writableLength }) => writableLength > 0);
    if (isSending && turnsLeft > 0) setImmediate(close, turnsLeft - 1);
    else closeIdle();
  };
  server.closeIdleConnections = () => close(MAX_SENDING_TURNS);
}
