// Bounds what callers can make OpenSSL and HTTP/2 do before they have proved anything. OpenSSL verifies every signature
// in the chain that a client presents, because Node lets it go on after an error, and one signature by an RSA key with
// a large exponent takes 10 ms. Node has no option for the length of the chain, and TLS 1.3 encrypts it. So TLS reads
// from a stream that passes on few bytes until the handshake is complete (intake-stream.ts).
// (Node's VerifyCallback: https://github.com/nodejs/node/blob/main/src/crypto/crypto_tls.cc)
import { AsyncLocalStorage } from "node:async_hooks";
import { Server as HttpsServer } from "node:https";
import type { Socket } from "node:net";
import type { Server, TLSSocket } from "node:tls";
import { peerOf } from "./budget-http.ts";
import { type IntakeLimits, type IntakeOptions, IntakeStream } from "./intake-stream.ts";
import { createPacedSteps } from "./paced-steps.ts";
import { sendBeforeClosing } from "./send-before-closing.ts";
import { threadCpuMs } from "./thread-cpu.ts";
import { createTurnShare } from "./turn-share.ts";
import { createUnprovenCosts } from "./unproven-costs.ts";

/** The connections whose handshakes are limited. */
export interface LimitedIntake {
  /** Reports whether bytes of this accepted socket wait for their step. */
  isHeldBack(socket: Socket): boolean;
  /** How long bytes of this accepted socket have waited in this process, in milliseconds. */
  heldBackMs(socket: Socket): number;
  /** Reports whether this accepted socket's client still has to send a whole first message of TLS. */
  isGreetingAwaited(socket: Socket): boolean;
  /** A call has proved who calls over the connection of this peer, "ip:port". */
  prove(peer: string): void;
}

/**
 * In milliseconds of CPU time: what unproven connections may use before others are read, which is one handshake. Node
 * accepts one connection in each turn of the event loop: with longer turns, clients that come again and again would
 * keep all others waiting in the kernel's queue.
 */
const TURN_MS = 1;

/**
 * Limits the connections that the server accepts from now on. Call it before others listen to the server's "connection"
 * event: those who already do get a stream instead of the socket. `limits` is called at each connection, for which they
 * then hold.
 */
export function limitIntake(
  server: Server,
  { clock, proof = "handshake", onSurplus = () => {}, isExempt = () => false, mayPass = () => true }: IntakeOptions,
  limits: () => IntakeLimits,
): LimitedIntake {
  const loop = { cpuMs: threadCpuMs, nextTurn: setImmediate };
  const steps = createPacedSteps({ clock, ...loop });
  const turns = createTurnShare(loop, { mostMs: TURN_MS });
  const costs = createUnprovenCosts({ clock });
  const accept = server.listeners("connection");
  /** Which stream a TLS socket reads from: the handshake ends in the context in which the TLS socket was created. */
  const current = new AsyncLocalStorage<IntakeStream>();
  const streams = new WeakMap<Socket, IntakeStream>();
  const byPeer = new Map<string, IntakeStream>();
  const begin = (stream: IntakeStream) =>
    current.run(stream, () => {
      for (const listener of accept) Reflect.apply(listener, server, [stream]);
      // The TLS socket has copied this property, and ends with its client. The stream ends when the TLS socket ends it.
      stream.allowHalfOpen = true;
    });
  server.removeAllListeners("connection");
  server.on("connection", (socket: Socket) => {
    const deps = { clock, steps, turns, costs, limits: limits(), proof, onSurplus, isExempt, mayPass, begin };
    const stream = new IntakeStream(socket, deps);
    streams.set(socket, stream);
    const peer = peerOf(socket);
    byPeer.set(peer, stream);
    stream.once("close", () => {
      if (byPeer.get(peer) === stream) byPeer.delete(peer);
    });
  });
  const open = new Set<TLSSocket>();
  server.prependListener("secureConnection", (tls: TLSSocket) => {
    current.getStore()?.open(tls);
    open.add(tls);
    tls.once("close", () => open.delete(tls));
  });
  if (server instanceof HttpsServer) sendBeforeClosing(server, open);
  return {
    isHeldBack: (socket) => streams.get(socket)?.isHeldBack ?? false,
    heldBackMs: (socket) => streams.get(socket)?.held.ms() ?? 0,
    isGreetingAwaited: (socket) => streams.get(socket)?.isGreetingAwaited() ?? false,
    prove: (peer) => byPeer.get(peer)?.prove(),
  };
}
