// What TLS reads and writes instead of an accepted socket: it passes on few bytes until the client has proved itself.
// States of a connection: greeting (until the server answers the client's first message) → proving (certificates) →
// open (the handshake is complete) → proven, or closed. Where the handshake proves who calls, open is passed over;
// where a call does, prove() ends it. TLS begins with the first bytes that pass: until then a connection costs little,
// so that one which is closed before, because there are too many, keeps others waiting in the kernel's queue for less.
// In the first two, as many bytes as ordinary clients send pass at once. More wait for a step of their own
// (paced-steps.ts). What is beyond the maximum closes the connection, and so does the need of one step too many:
// otherwise a client could wait for its next step all the time, one byte after the other. Until a connection is proven,
// all bytes of an address that owes too much (unproven-costs.ts) wait for steps, and those of others for the next turn
// of the event loop if too much has passed in this one (turn-share.ts). What `mayPass` refuses closes it in any state.
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { addressOf } from "./budget-http.ts";
import type { LeaveLane } from "./caller-lanes.ts";
import type { Clock } from "./clock.ts";
import type { PacedSteps } from "./paced-steps.ts";
import { createStopwatch, type Stopwatch } from "./stopwatch.ts";
import type { TurnShare } from "./turn-share.ts";
import type { UnprovenCosts } from "./unproven-costs.ts";

/** Bytes that a client may send before its handshake is complete. */
export interface IntakeLimits {
  /** Ordinary clients send no more before the server's first answer. */
  readonly greetingBytes: number;
  /** Ordinary clients send no more after it: their certificates, the proof of the key, and what ends the handshake. */
  readonly proofBytes: number;
  /** In all. */
  readonly handshakeBytes: number;
}

/** What limitIntake() needs, and how it treats callers. */
export interface IntakeOptions {
  readonly clock: Clock;
  /** What proves who calls; by default the handshake. */
  readonly proof?: "handshake" | "call";
  /** Called for each connection that is closed because its client sent too much for a handshake. */
  readonly onSurplus?: () => void;
  /** Addresses that owe nothing, and whose bytes precede those of others. */
  readonly isExempt?: (address: string) => boolean;
  /**
   * Called before bytes pass after the handshake: whether the client of this accepted socket may have sent `bytes` in
   * all. If not, the connection is closed; the callee may have closed it.
   */
  readonly mayPass?: (socket: Socket, bytes: number) => boolean;
}

/** Of one handshake. Two messages, each of which the network may deliver in two parts. */
const MAX_HANDSHAKE_STEPS = 4;

/** In bytes: what passes after the handshake before the limits are checked again. As many as a TLS record has. */
const SLICE_BYTES = 16 * 1024;

/** What a stream shares with the others of its port. */
export interface IntakeStreamDeps extends Required<IntakeOptions> {
  readonly steps: PacedSteps;
  readonly turns: TurnShare;
  readonly costs: UnprovenCosts;
  readonly limits: IntakeLimits;
  /** Begins TLS above the stream. */
  readonly begin: (stream: IntakeStream) => void;
}

/** What TLS reads and writes instead of the socket. */
export class IntakeStream extends Duplex {
  /** The time in which bytes have waited here. */
  readonly held: Stopwatch;
  readonly #socket: Socket;
  readonly #address: string;
  readonly #deps: IntakeStreamDeps;
  #state: "greeting" | "proving" | "open" | "proven" = "greeting";
  /** Whether TLS has begun. */
  #hasBegun = false;
  /** Bytes that have passed in this state, and in all. */
  #passedInState = 0;
  #passed = 0;
  /** Steps that its handshake has waited for. */
  #steps = 0;
  /** CPU time until it is proven, in milliseconds. */
  #costMs = 0;
  /** What has arrived and has not passed yet. */
  #waiting: Buffer | undefined;
  /** Takes its step or its turn back. */
  #leaveLane: LeaveLane = () => {};
  /** Whether bytes wait for their step. */
  isHeldBack = false;
  #isFull = false;
  #hasEnded = false;

  constructor(socket: Socket, deps: IntakeStreamDeps) {
    super({ allowHalfOpen: false });
    this.#socket = socket;
    this.#address = addressOf(socket);
    this.#deps = deps;
    this.held = createStopwatch(deps);
    // TLS still writes after the client's end.
    socket.allowHalfOpen = true;
    socket.setNoDelay(true);
    socket.on("data", (chunk: Buffer) => this.#receive(chunk));
    socket.once("end", () => {
      this.#hasEnded = true;
      if (this.#waiting === undefined) this.#end();
    });
    // Until TLS begins, nobody else listens to errors.
    this.on("error", () => {});
    socket.once("error", (error) => this.destroy(error));
    socket.once("close", () => this.destroy());
  }

  /** The handshake is complete. */
  open(tls: TLSSocket): void {
    this.#state = "open";
    if (this.#deps.proof === "handshake") this.prove();
    // A TLS socket above a stream does not show its peer.
    const { remoteAddress, remoteFamily, remotePort, localAddress, localPort } = this.#socket;
    const peer = { remoteAddress, remoteFamily, remotePort, localAddress, localPort };
    for (const [name, value] of Object.entries(peer)) Object.defineProperty(tls, name, { value });
  }

  /** From now on nothing waits. */
  prove(): void {
    if (this.#isProven()) return;
    this.#state = "proven";
    this.#deps.costs.prove(this.#address, this.#costMs);
  }

  /** Reports whether everything that has arrived has passed, and has not caused an answer yet. */
  isGreetingAwaited(): boolean {
    return this.#state === "greeting" && this.#waiting === undefined;
  }

  #receive(chunk: Buffer): void {
    const isIdle = this.#waiting === undefined;
    this.#waiting = this.#waiting === undefined ? chunk : Buffer.concat([this.#waiting, chunk]);
    if (isIdle) this.#proceed();
  }

  /** Passes on what may pass now. What has to wait comes back here, or to #step(), in its turn. */
  #proceed(): void {
    while (this.#waiting !== undefined && !this.destroyed) {
      const bytes = Math.min(this.#waiting.length, this.#passableBytes());
      if (bytes === 0) return this.#waitForStep();
      if (!this.#isProven() && !this.#isExempt() && !this.#deps.turns.hasTime()) return this.#waitForTurn();
      this.#pass(bytes);
    }
    this.#resume();
  }

  /** Passes on what its step permits, and closes the connection if a handshake needs more. */
  #step(): void {
    this.isHeldBack = false;
    if (this.destroyed) return;
    const rest = this.#isOpen() ? SLICE_BYTES : this.#deps.limits.handshakeBytes - this.#passed;
    if (rest > 0) this.#pass(rest);
    if (this.#waiting !== undefined && !this.#isOpen()) return this.#refuse();
    this.#proceed();
  }

  /** How much may pass without a step. */
  #passableBytes(): number {
    const { costs, limits } = this.#deps;
    if (this.#isProven()) return SLICE_BYTES;
    if (costs.isInDebt(this.#address) && !this.#isExempt()) return 0;
    if (this.#isOpen()) return SLICE_BYTES;
    const most = this.#state === "greeting" ? limits.greetingBytes : limits.proofBytes;
    return Math.max(0, Math.min(most - this.#passedInState, limits.handshakeBytes - this.#passed));
  }

  #waitForStep(): void {
    if (!this.#isOpen()) {
      this.#steps += 1;
      if (this.#steps > MAX_HANDSHAKE_STEPS) return this.#refuse();
    }
    this.isHeldBack = true;
    this.held.start();
    this.#socket.pause();
    const { steps } = this.#deps;
    this.#leaveLane = steps.add(this.#address, () => this.#step(), { precedes: this.#precedes() });
  }

  #waitForTurn(): void {
    this.held.start();
    this.#socket.pause();
    const { turns } = this.#deps;
    this.#leaveLane = turns.add(this.#address, () => this.#takeTurn(), { precedes: this.#precedes() });
  }

  /** Passes at least a part on, so that it waits for no more turns than it has parts. */
  #takeTurn(): void {
    if (this.#waiting === undefined || this.destroyed) return;
    const bytes = Math.min(this.#waiting.length, this.#passableBytes());
    if (bytes > 0) this.#pass(bytes);
    this.#proceed();
  }

  #refuse(): void {
    if (this.destroyed) return;
    this.#deps.onSurplus();
    this.destroy();
  }

  /** Passing bytes on may open the connection. */
  #isOpen(): boolean {
    return this.#state === "open" || this.#isProven();
  }

  #isProven(): boolean {
    return this.#state === "proven";
  }

  #isExempt(): boolean {
    return this.#deps.isExempt(this.#address);
  }

  #precedes(): boolean {
    return this.#isExempt() || this.#deps.costs.isTrusted(this.#address);
  }

  /** TLS processes the bytes before this returns. */
  #pass(most: number): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    const chunk = waiting.subarray(0, most);
    if (this.#isOpen() && !this.#deps.mayPass(this.#socket, this.#passed + chunk.length)) return void this.destroy();
    this.#waiting = chunk.length < waiting.length ? waiting.subarray(chunk.length) : undefined;
    if (this.#waiting === undefined) this.held.stop();
    this.#passed += chunk.length;
    this.#passedInState += chunk.length;
    const push = () => {
      if (!this.#hasBegun) this.#begin();
      this.#isFull = !this.push(chunk);
    };
    if (this.#isProven()) return push();
    const costMs = this.#deps.turns.run(push);
    // What has proved who calls has cost its address nothing.
    if (this.#isProven()) return;
    this.#costMs += costMs;
    this.#deps.costs.charge(this.#address, costMs);
  }

  /** The client has ended, and everything that it sent has passed. */
  #end(): void {
    if (this.#hasBegun) this.push(null);
    else this.destroy();
  }

  #begin(): void {
    this.#hasBegun = true;
    this.#deps.begin(this);
  }

  #resume(): void {
    if (this.destroyed) return;
    if (this.#hasEnded) this.#end();
    else if (this.#isFull) this.#socket.pause();
    else this.#socket.resume();
  }

  override _read(): void {
    this.#isFull = false;
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
    this.#leaveLane();
    this.#waiting = undefined;
    this.#socket.destroy();
    done(error);
  }
}
