// Applies a budget to a gRPC server. grpc-js shows neither its connections nor its streams, so both come from Node's
// diagnostics channels, which report every accepted socket, before TLS, every HTTP/2 stream of the process, and the
// headers of each answer, directly before grpc-js writes its message.
// (https://nodejs.org/api/diagnostics_channel.html#built-in-channels)
// States: created → watching (start) → stopped (stop); connections that are open then remain subject to the budget
// until they end.
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { constants, type IncomingHttpHeaders, type ServerHttp2Stream } from "node:http2";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import type { Budget, BudgetConnection, BudgetRequest } from "../runtime/budget.ts";
import { addressOf, createPeerConnections } from "../runtime/budget-http.ts";
import type { CallCaller } from "./calls-in-flight.ts";
import { createUnreadAnswers, type UnreadAnswerLimits } from "./unread-answers.ts";

/** The connections of one port. */
export interface LimitedConnections {
  /** Begins with connections to `port`; call it before the first one is accepted. */
  start(port: number): void;
  /**
   * Returns whether the client of an accepted socket may have sent so many bytes in all, whatever part of them belongs
   * to a call; if not, closes the connection.
   */
  mayReceive(socket: Socket, bytes: number): boolean;
  /** A call over the connection of this peer, "ip:port", has proved a caller of the group. */
  join(peer: string, group: string): void;
  /** Returns the number of open connections, and of all since start(). */
  counts(): { readonly open: number; readonly opened: number };
  stop(): void;
}

const SOCKETS_CHANNEL = "net.server.socket";
const STREAMS_CHANNEL = "http2.server.stream.created";
/** Node publishes it when the headers of a response are sent, not when the response has ended. */
const ANSWERS_CHANNEL = "http2.server.stream.finish";

/**
 * How a port is limited. `maxHeaders`: bytes of names and values of one stream. `maxStreams`: streams that a connection
 * may open in all, whether or not they were served. `maxParts`: DATA frames of one stream. `idleBytes`, `callBytes`:
 * what a connection may send in all, without calls and for each of them, as TLS records. `answers`: bytes that callers
 * have not read. `isHeldBack`: whether a connection waits for its turn in the handshake. `isGreetingAwaited`: whether
 * its client still has to begin one.
 */
export interface LimitGrpcOptions {
  readonly callerOf?: ((certificate: Uint8Array) => CallCaller | undefined) | undefined;
  readonly maxHeaders: number;
  readonly maxStreams: number;
  readonly maxParts: number;
  readonly idleBytes: number;
  readonly callBytes: number;
  readonly answers: UnreadAnswerLimits;
  readonly isHeldBack?: (socket: Socket) => boolean;
  readonly heldBackMs?: (socket: Socket) => number;
  readonly isGreetingAwaited?: (socket: Socket) => boolean;
}

/**
 * Watches one port. Each address is a caller, until `callerOf` names another one from the client certificate (DER) of a
 * connection.
 */
export function limitGrpc(
  budget: Budget,
  {
    callerOf,
    maxHeaders,
    maxStreams,
    maxParts,
    idleBytes,
    callBytes,
    answers,
    isHeldBack = () => false,
    heldBackMs = () => 0,
    isGreetingAwaited = () => false,
  }: LimitGrpcOptions,
): LimitedConnections {
  const unread = createUnreadAnswers(answers);
  const connections = createPeerConnections(budget);
  const streams = new WeakMap<BudgetConnection, number>();
  const requests = new WeakMap<ServerHttp2Stream, readonly [BudgetConnection, BudgetRequest]>();
  const identified = new WeakSet<BudgetConnection>();
  let port: number | undefined;
  let open = 0;
  let opened = 0;

  function onSocket(message: unknown): void {
    const { socket } = message as { readonly socket: Socket };
    if (socket.localPort !== port) return;
    open += 1;
    opened += 1;
    connections.open(socket, {
      caller: `address ${addressOf(socket)}`,
      isHeldBack: () => isHeldBack(socket),
      heldBackMs: () => heldBackMs(socket),
      isGreetingAwaited: () => isGreetingAwaited(socket),
    });
    socket.once("close", () => {
      open -= 1;
    });
  }

  function onStream(message: unknown): void {
    const { stream, headers } = message as {
      readonly stream: ServerHttp2Stream;
      readonly headers: IncomingHttpHeaders;
    };
    const socket = stream.session?.socket as TLSSocket | undefined;
    if (socket === undefined || socket.localPort !== port) return;
    // grpc-js learns of the stream in a later tick. Without a listener until then, an error would end the program.
    stream.on("error", () => {});
    ignoreLateAnswer(stream);
    const connection = connections.find(socket);
    if (connection === undefined) return;
    const count = (streams.get(connection) ?? 0) + 1;
    streams.set(connection, count);
    if (count > maxStreams) {
      // A stream that the client resets counts for no limit of HTTP/2, but costs as much as a call (CVE-2023-44487).
      connection.close("requests");
      return endSession(stream);
    }
    // Node applies the announced limit only when the client has acknowledged it, which a hostile one never does.
    if (headersLength(headers) > maxHeaders) return stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    identify(connection, socket);
    const request = connection.begin(() => stream.close(constants.NGHTTP2_CANCEL));
    // REFUSED_STREAM: nothing was done yet, so the client may try again at once (RFC 9113 §8.7).
    if (request === undefined) return stream.close(constants.NGHTTP2_REFUSED_STREAM);
    requests.set(stream, [connection, request]);
    // Until the message is complete, grpc-js keeps its parts, and each keeps all of what was read with it in memory.
    // With frames of one byte and others that HTTP/2 ignores, that can be 16 KiB for one byte.
    let parts = 0;
    stream.on("data", ({ buffer }: Buffer) => {
      parts += 1;
      // Each part costs as much time as a short message.
      if (parts > maxParts) connection.exceed();
      else request.receive(buffer.byteLength);
    });
    // The listener would start to read before that of grpc-js is there.
    stream.pause();
    stream.once("end", () => request.received());
    stream.once("close", () => request.end());
  }

  /** grpc-js writes the message in the same step as the headers, directly after them. */
  function onAnswer(message: unknown): void {
    const { stream } = message as { readonly stream: ServerHttp2Stream };
    const found = requests.get(stream);
    if (found) queueMicrotask(() => countAnswer(stream, ...found));
  }

  function countAnswer(stream: ServerHttp2Stream, connection: BudgetConnection, request: BudgetRequest): void {
    if (stream.destroyed) return;
    const close = () => connection.close("answer");
    request.answered();
    const { writableLength: bytes } = stream;
    if (bytes > 0) stream.once("close", unread.add({ caller: connection.caller, bytes, close }));
  }

  function identify(connection: BudgetConnection, socket: TLSSocket): void {
    if (identified.has(connection) || callerOf === undefined) return;
    identified.add(connection);
    const certificate = socket.getPeerX509Certificate?.()?.raw;
    const caller = certificate && callerOf(certificate);
    if (caller === undefined) return;
    connection.identify(`certificate ${caller.name}`);
    connection.join(caller.group);
  }

  return {
    start(bound) {
      port = bound;
      subscribe(SOCKETS_CHANNEL, onSocket);
      subscribe(STREAMS_CHANNEL, onStream);
      subscribe(ANSWERS_CHANNEL, onAnswer);
    },
    // Only Node's parser sees frames that belong to no call, such as those that enlarge a window.
    mayReceive(socket, bytes) {
      const connection = connections.find(socket);
      if (connection === undefined) return true;
      if (bytes <= idleBytes + callBytes * (streams.get(connection) ?? 0)) return true;
      connection.exceed();
      return false;
    },
    join: (peer, group) => connections.ofPeer(peer)?.join(group),
    counts: () => ({ open, opened }),
    stop() {
      unsubscribe(SOCKETS_CHANNEL, onSocket);
      unsubscribe(STREAMS_CHANNEL, onStream);
      unsubscribe(ANSWERS_CHANNEL, onAnswer);
    },
  };
}

/**
 * grpc-js answers a call of an unknown method, and one with another content type, even if the stream has ended by then.
 * Node throws in that case, and the error would end the program.
 */
function ignoreLateAnswer(stream: ServerHttp2Stream): void {
  const respond = stream.respond.bind(stream);
  stream.respond = (headers, options) => {
    if (!stream.destroyed && !stream.closed) respond(headers, options);
  };
}

/**
 * Ends the session at once: with its socket it would end after all streams of the same read. Node announces streams in
 * a later tick, and grpc-js throws if a stream that it has to refuse is destroyed by then.
 */
function endSession({ session }: ServerHttp2Stream): void {
  session?.removeAllListeners("stream");
  session?.destroy();
}

/** Node gives some repeated headers, such as set-cookie, as a list. */
function headersLength(headers: IncomingHttpHeaders): number {
  return Object.entries(headers).reduce((sum, [name, value = ""]) => {
    const values = Array.isArray(value) ? value : [value];
    return values.reduce((length, each) => length + name.length + each.length, sum);
  }, 0);
}
