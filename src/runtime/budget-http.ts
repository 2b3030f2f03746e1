// Applies a budget to an HTTP/1.1 server, with or without TLS. Node reports connections and requests; the budget
// decides which of them go. Loads nothing at run time, because the sidecar's serving process uses it.
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import type { Server, Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Budget, BudgetConnection, BudgetLimits, BudgetRequest, OpenOptions } from "./budget.ts";

/** Who the callers of a server are; by default each address is one. */
export interface CallerRules {
  /** Of a connection before its first request or TLS handshake. */
  readonly ofAddress?: (address: string) => { readonly caller: string; readonly isExempt?: boolean };
  /** After the TLS handshake; undefined: the caller stays as it is. */
  readonly ofCertificate?: (socket: TLSSocket) => string | undefined;
  /** How long bytes of the connection have waited in this process, in milliseconds; default: no time. */
  readonly heldBackMs?: (socket: Socket) => number;
  /** At each request; undefined: the caller stays as it is. */
  readonly ofRequest?: (request: IncomingMessage) => string | undefined;
}

/** The requests of a server under a budget. */
export interface LimitedRequests {
  /** Call it first for each request. Undefined: the connection has been closed, and the request gets no response. */
  begin(request: IncomingMessage, response: ServerResponse): BudgetRequest | undefined;
}

/**
 * Connections that the kernel keeps until the process accepts them; Linux takes the lower of this and
 * net.core.somaxconn, which is 4096 since Linux 5.4. With Node's 511, a burst of strangers fills the queue: the kernel
 * then drops the first packet of a probe, which TCP repeats after 1 s, 3 s and 7 s (RFC 6298), later than the kubelet
 * waits.
 */
export const LISTEN_BACKLOG = 4096;

/** Node's own checks for the phases that only its parser sees: headers of the second request and later ones. */
export function nodeTimeouts({ headersMs, bodyMs, keepAliveMs, sweepMs }: BudgetLimits) {
  return {
    headersTimeout: headersMs,
    requestTimeout: headersMs + bodyMs,
    keepAliveTimeout: keepAliveMs,
    connectionsCheckingInterval: sweepMs,
  } as const;
}

/** Returns the peer's address; an IPv4 address of a dual-stack socket in its own notation. */
export function addressOf({ remoteAddress = "" }: Pick<Socket, "remoteAddress">): string {
  return remoteAddress.startsWith("::ffff:") ? remoteAddress.slice("::ffff:".length) : remoteAddress;
}

/** Puts the server's connections below `budget`, from their first byte on. */
export function limitHttp(
  server: Server,
  budget: Budget,
  { ofAddress, ofCertificate, ofRequest, heldBackMs = () => 0 }: CallerRules = {},
): LimitedRequests {
  const bySocket = new WeakMap<object, BudgetConnection>();
  const connections = createPeerConnections(budget);

  server.on("connection", (socket: Socket) => {
    const caller = ofAddress?.(addressOf(socket)) ?? { caller: addressOf(socket) };
    bySocket.set(socket, connections.open(socket, { ...caller, heldBackMs: () => heldBackMs(socket) }));
  });
  server.on("secureConnection", (socket: TLSSocket) => {
    const connection = connections.find(socket);
    if (connection === undefined) return;
    bySocket.set(socket, connection);
    const caller = ofCertificate?.(socket);
    if (caller !== undefined) connection.identify(caller);
  });

  return {
    begin(request, response) {
      const { socket, headers } = request;
      const connection = bySocket.get(socket);
      // Only a request that came over no connection of this server, as a test injects it.
      if (connection === undefined) return UNLIMITED_REQUEST;
      const caller = ofRequest?.(request);
      if (caller !== undefined) connection.identify(caller);
      const budgeted = connection.begin();
      if (budgeted === undefined) {
        socket.destroy();
        ignoreRest(socket);
        return undefined;
      }
      if (!hasBody(headers)) budgeted.received();
      else request.once("end", () => budgeted.received());
      response.once("close", () => budgeted.end());
      return budgeted;
    },
  };
}

function hasBody({ "content-length": length = "0", "transfer-encoding": encoding }: IncomingHttpHeaders): boolean {
  return length !== "0" || encoding !== undefined;
}

/**
 * For servers that read no body: discards that of a request, and closes the connection once the request is answered. A
 * body that waits to be read takes up to 700 bytes of memory for each byte of it, and even discarding takes time.
 */
export function endWithBody(request: IncomingMessage, response: ServerResponse): void {
  if (!hasBody(request.headers)) return;
  request.resume();
  response.setHeader("Connection", "close");
}

/**
 * One read of a pipelining client contains up to 2600 requests. Node makes objects of all of them, 4 MB, even if the
 * socket is destroyed, and keeps them until it has read from every other connection that is ready: 4 GB for 1024. Node
 * documents no way to stop its parser; without this property only that protection is lost.
 */
function ignoreRest(socket: Socket): void {
  const { parser } = socket as Socket & { readonly parser?: { onIncoming?: () => number } | null };
  if (parser?.onIncoming) parser.onIncoming = () => 0;
}

const UNLIMITED_REQUEST: BudgetRequest = { caller: "", receive: () => true, received() {}, answered() {}, end() {} };

/** The open connections of a port, by the peer's address and port, which identify one of them. */
export interface PeerConnections {
  /** Opens a connection of the budget for an accepted socket, until the socket closes. */
  open(socket: Socket, opened: Omit<OpenOptions, "close">): BudgetConnection;
  /**
   * Finds the connection of an accepted socket, also by the TLS socket above it, which has the same peer but does not
   * show it.
   */
  find(socket: Socket): BudgetConnection | undefined;
  /** Finds the connection of a peer, "ip:port". */
  ofPeer(peer: string): BudgetConnection | undefined;
}

/** Creates the list of one port without a connection. */
export function createPeerConnections(budget: Budget): PeerConnections {
  const byPeer = new Map<string, BudgetConnection>();
  return {
    open(socket, opened) {
      const peer = peerOf(socket);
      const connection = budget.open({ ...opened, close: () => socket.destroy() });
      byPeer.set(peer, connection);
      socket.once("close", () => {
        connection.closed();
        if (byPeer.get(peer) === connection) byPeer.delete(peer);
      });
      return connection;
    },
    find: (socket) => byPeer.get(peerOf(socket)),
    ofPeer: (peer) => byPeer.get(peer),
  };
}

/** Returns "ip:port" of the other end of a connection. */
export function peerOf({ remoteAddress, remotePort }: Pick<Socket, "remoteAddress" | "remotePort">): string {
  return `${remoteAddress}:${remotePort}`;
}
