// Bounds what callers can make OpenSSL do before they have proved anything, on a port that requests client
// certificates. OpenSSL verifies every signature in the chain that a client presents, because Node lets it go on after
// an error, and one signature by an RSA key with a large exponent takes 10 ms. Node has no option for the length of the
// chain, and TLS 1.3 encrypts it. So TLS reads from a stream that passes on few bytes until the handshake is complete.
// (Node's VerifyCallback: https://github.com/nodejs/node/blob/main/src/crypto/crypto_tls.cc)
// States of a connection: greeting (until the server answers the client's first message) → proving (certificates) →
// open, or closed. In the first two, as many bytes as ordinary clients send pass at once. More wait for a step of their
// own (paced-steps.ts), as do all bytes of an address whose handshakes have cost too much (handshake-costs.ts). What is
// beyond the maximum closes the connection, and so does the need of one step too many: otherwise a client could wait
// for its next step all the time, one byte after the other. When open, everything passes.
import { AsyncLocalStorage } from "node:async_hooks";
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import type { Server, TLSSocket } from "node:tls";
import { addressOf } from "./budget-http.ts";
import type { Clock } from "./clock.ts";
import { createHandshakeCosts, type HandshakeCosts } from "./handshake-costs.ts";
import { createPacedSteps, type PacedSteps } from "./paced-steps.ts";
import { threadCpuMs } from "./thread-cpu.ts";

/** Bytes that a client may send before its handshake is complete. */
export interface IntakeLimits {
  /** Ordinary clients send no more before the server's first answer. */
  readonly greetingBytes: number;
  /** Ordinary clients send no more after it: their certificates, the proof of the key, and what ends the handshake. */
  readonly proofBytes: number;
  /** In all. */
  readonly handshakeBytes: number;
}

/** The connections whose handshakes are limited. */
export interface LimitedIntake {
  /** Reports whether bytes of this accepted socket wait for their step. */
  isHeldBack(socket: Socket): boolean;
}

/** Of one handshake. Two messages, each of which the network may deliver in two parts. */
const MAX_HANDSHAKE_STEPS = 4;

interface IntakeStreamDeps {
  readonly steps: PacedSteps;
  readonly costs: HandshakeCosts;
  readonly limits: IntakeLimits;
  readonly onSurplus: () => void;
  readonly isExempt: (address: string) => boolean;
}

/**
 * Limits the handshakes of connections that the server accepts from now on. Call it before others listen to the
 * server's "connection" event: those who already do get a stream instead of the socket. `onSurplus` is called for each
 * connection that is closed because its client sent too much; `limits` at each connection, for which they then hold.
 * `isExempt`: addresses whose steps precede those of others, as do those of addresses that have completed a handshake.
 */
export function limitIntake(
  server: Server,
  {
    clock,
    onSurplus = () => {},
    isExempt = () => false,
  }: {
    readonly clock: Clock;
    readonly onSurplus?: () => void;
    readonly isExempt?: (address: string) => boolean;
  },
  limits: () => IntakeLimits,
): LimitedIntake {
  const steps = createPacedSteps({ clock, cpuMs: threadCpuMs, nextTurn: setImmediate });
  const costs = createHandshakeCosts({ clock });
  const accept = server.listeners("connection");
  /** Which stream a TLS socket reads from: the handshake ends in the context in which the TLS socket was created. */
  const current = new AsyncLocalStorage<IntakeStream>();
  const streams = new WeakMap<Socket, IntakeStream>();
  server.removeAllListeners("connection");
  server.on("connection", (socket: Socket) => {
    const stream = new IntakeStream(socket, { steps, costs, limits: limits(), onSurplus, isExempt });
    streams.set(socket, stream);
    current.run(stream, () => {
      for (const listener of accept) Reflect.apply(listener, server, [stream]);
    });
    // The TLS socket has copied this property, and ends with its client. The stream ends when the TLS socket ends it.
    stream.allowHalfOpen = true;
  });
  server.prependListener("secureConnection", (tls: TLSSocket) => current.getStore()?.open(tls));
  return { isHeldBack: (socket) => streams.get(socket)?.isHeldBack() ?? false };
}

/** What TLS reads and writes instead of the socket. */
class IntakeStream extends Duplex {
  readonly #socket: Socket;
  readonly #address: string;
  readonly #deps: IntakeStreamDeps;
  #state: "greeting" | "proving" | "open" = "greeting";
  /** Bytes that have passed in this state, and in all. */
  #passedInState = 0;
  #passed = 0;
  /** Steps that it has waited for. */
  #steps = 0;
  /** CPU time of the handshake so far, in milliseconds. */
  #costMs = 0;
  /** What has arrived and waits for its step. */
  #waiting: Buffer | undefined;
  #hasEnded = false;

  constructor(socket: Socket, deps: IntakeStreamDeps) {
    super({ allowHalfOpen: false });
    this.#socket = socket;
    this.#address = addressOf(socket);
    this.#deps = deps;
    // TLS still writes after the client's end.
    socket.allowHalfOpen = true;
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    socket.once("end", () => {
      this.#hasEnded = true;
      if (this.#waiting === undefined) this.push(null);
    });
    socket.once("error", (error) => this.destroy(error));
    socket.once("close", () => this.destroy());
  }

  /** The handshake is complete, and from now on everything passes. */
  open(tls: TLSSocket): void {
    this.#state = "open";
    this.#deps.costs.complete(this.#address, this.#costMs);
    // A TLS socket above a stream does not show its peer.
    const { remoteAddress, remoteFamily, remotePort, localAddress, localPort } = this.#socket;
    const peer = { remoteAddress, remoteFamily, remotePort, localAddress, localPort };
    for (const [name, value] of Object.entries(peer)) Object.defineProperty(tls, name, { value });
  }

  /** Reports whether bytes wait for their step. */
  isHeldBack(): boolean {
    return this.#waiting !== undefined;
  }

  #receive(chunk: Buffer): void {
    if (this.#waiting !== undefined) {
      this.#waiting = Buffer.concat([this.#waiting, chunk]);
      return;
    }
    const length = Math.min(chunk.length, this.#ordinaryBytes());
    if (length > 0) this.#pass(chunk.subarray(0, length));
    if (length === chunk.length || this.destroyed) return;
    const rest = chunk.subarray(length);
    // The handshake may have ended with what has just passed.
    if (this.#isOpen()) return this.#pass(rest);
    this.#steps += 1;
    if (this.#steps > MAX_HANDSHAKE_STEPS) return this.#close();
    this.#waiting = rest;
    this.#socket.pause();
    const precedes = this.#deps.isExempt(this.#address) || this.#deps.costs.isTrusted(this.#address);
    this.#deps.steps.add(this.#address, () => this.#proceed(), { precedes });
  }

  #ordinaryBytes(): number {
    if (this.#isOpen()) return Number.POSITIVE_INFINITY;
    const { costs, isExempt } = this.#deps;
    if (costs.isInDebt(this.#address) && !isExempt(this.#address)) return 0;
    const { greetingBytes, proofBytes, handshakeBytes } = this.#deps.limits;
    const most = this.#state === "greeting" ? greetingBytes : proofBytes;
    return Math.max(0, Math.min(most - this.#passedInState, handshakeBytes - this.#passed));
  }

  /** Passes on what is still permitted, and closes the connection if the handshake needs more. */
  #proceed(): void {
    const waiting = this.#waiting;
    if (waiting === undefined || this.destroyed) return;
    this.#waiting = undefined;
    const length = Math.min(waiting.length, this.#deps.limits.handshakeBytes - this.#passed);
    if (length > 0) this.#pass(waiting.subarray(0, length));
    if (length < waiting.length) {
      if (!this.#isOpen()) return this.#close();
      this.#pass(waiting.subarray(length));
    }
    if (this.#hasEnded) this.push(null);
    else this.#socket.resume();
  }

  #close(): void {
    if (this.destroyed) return;
    this.#deps.onSurplus();
    this.destroy();
  }

  /** Passing bytes on may open the connection. */
  #isOpen(): boolean {
    return this.#state === "open";
  }

  /** TLS processes the bytes before this returns. */
  #pass(chunk: Buffer): void {
    this.#passed += chunk.length;
    this.#passedInState += chunk.length;
    const from = this.#isOpen() ? undefined : threadCpuMs();
    if (!this.push(chunk)) this.#socket.pause();
    // What opened the connection has cost its address nothing.
    if (from === undefined || this.#isOpen()) return;
    const costMs = threadCpuMs() - from;
    this.#costMs += costMs;
    this.#deps.costs.charge(this.#address, costMs);
  }

  override _read(): void {
    if (this.#waiting === undefined) this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#state === "greeting") {
      this.#state = "proving";
      this.#passedInState = 0;
    }
    // A socket that cannot be written to closes, which ends this stream too.
    this.#socket.write(chunk, () => done());
  }

  override _final(done: (error?: Error | null) => void): void {
    this.#socket.end(() => done());
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.#socket.destroy();
    done(error);
  }
}
