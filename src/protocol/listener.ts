// A gRPC server on one port, the server side of podrole's protocol.
// States: created → listening (listen) → draining (close: no new calls, running ones finish) → closed, at the latest
// after the grace time. Connections are closed when idle or old, so that sidecars also connect to replicas that started
// later. A call ends with its response, when the client cancels it, or when the budget does.
import type { Socket } from "node:net";
import type { Server as TlsServer } from "node:tls";
import {
  type handleUnaryCall,
  Server,
  type ServerUnaryCall,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import { type BudgetLimits, type CloseReason, createBudget } from "../runtime/budget.ts";
import type { Clock } from "../runtime/clock.ts";
import type { IntakeLimits, IntakeOptions } from "../runtime/intake-stream.ts";
import { type Address, formatAddress } from "../runtime/settings.ts";
import { type LimitedIntake, limitIntake } from "../runtime/tls-intake.ts";
import { limitGrpc } from "./budget-grpc.ts";
import { addressCaller, type CallCaller, type CallInFlight, type CallsInFlight } from "./calls-in-flight.ts";
import { type PodroleError, toPodroleError } from "./errors.ts";
import { toStatus } from "./status.ts";
import { serverCredentials, type TlsSource } from "./tls.ts";
import type { UnreadAnswerLimits } from "./unread-answers.ts";

/** The caller, as far as the connection identifies it. */
export interface Peer {
  /** ip:port of the TCP connection: for the log and for the shares of unproven callers, never for an identity. */
  readonly address: string;
  /** The verified client certificate, DER; absent on ports that request none. */
  readonly certificate: Uint8Array | undefined;
}

/**
 * Returns the gRPC handler of an async function, which resolves with the response or throws. The caller receives a
 * PodroleError unchanged and anything else as INTERNAL; `onFailure` receives both. `signal` aborts when nobody waits
 * for the response any more: the client has gone, its time is over, or `inFlight` has refused the call. A call whose
 * client has gone already is not begun, and what becomes of one that nobody waits for is no failure. `countFor`: counts
 * the call in flight for the caller that it has proved to be, instead of its address. `callerOf`: the caller that the
 * connection has proved.
 */
export function unary<Request, Response>(
  handle: (request: Request, peer: Peer, signal: AbortSignal, countFor: CallInFlight["countFor"]) => Promise<Response>,
  onFailure: (error: PodroleError, peer: Peer) => void,
  inFlight?: CallsInFlight,
  callerOf: (peer: Peer) => CallCaller | undefined = () => undefined,
): handleUnaryCall<Request, Response> {
  return (call, respond) => {
    if (call.cancelled) return;
    const peer = callPeer(call);
    const controller = new AbortController();
    call.once("cancelled", () => controller.abort());
    const counted = inFlight?.begin(
      () => callerOf(peer) ?? addressCaller(peer.address),
      (error) => {
        controller.abort();
        respond(toStatus(error));
      },
    );
    if (controller.signal.aborted) return;
    handle(call.request, peer, controller.signal, (...caller) => counted?.countFor(...caller))
      .finally(() => counted?.end())
      .then(
        (response) => {
          if (!controller.signal.aborted) respond(null, response);
        },
        (thrown: unknown) => {
          if (controller.signal.aborted) return;
          const error = toPodroleError(thrown);
          onFailure(error, peer);
          respond(toStatus(error));
        },
      );
  };
}

function callPeer(call: ServerUnaryCall<unknown, unknown>): Peer {
  return { address: call.getPeer(), certificate: call.getAuthContext()?.sslPeerCertificate?.raw };
}

/** A gRPC server on one port. */
export interface Listener {
  /** Binds and listens; resolves with the port (any free one for port 0). Rejects if the address cannot be bound. */
  listen(): Promise<number>;
  /**
   * A call has proved who calls over the connection of this peer, "ip:port"; `group`: the one with which it shares
   * the port. On the port that requests client certificates, handshakes do.
   */
  prove(peer: string, group?: string): void;
  /** Returns the number of open connections, and of all since listen(). */
  connections(): { readonly open: number; readonly opened: number };
  close(): Promise<void>;
}

/** What a listener serves. */
export interface ListenerDeps {
  readonly clock: Clock;
  readonly service: ServiceDefinition;
  readonly implementation: UntypedServiceImplementation;
  /** Names the caller of a connection by its client certificate (DER); undefined: its address remains the caller. */
  readonly callerOf?: (certificate: Uint8Array) => CallCaller | undefined;
  /**
   * Returns how many bytes clients with a certificate of these CAs (PEM) send with it; absent: as many as with a CA
   * that podrole has made.
   */
  readonly presentedBytes?: (clientBundlePem: string) => number;
  /** Receives the reason of each connection or call that the budget ends. */
  readonly onClose?: (reason: CloseReason) => void;
}

/** How a listener serves. */
export interface ListenerOptions {
  readonly address: Address;
  readonly tls: TlsSource;
  readonly requireClientCertificate: boolean;
  /** Milliseconds that running calls may take after close(). */
  readonly graceMs: number;
  /** By default those of the credentials port. */
  readonly limits?: ListenerLimits;
}

/** In bytes. Tokens and CSRs have about 2 KiB, 128 container names 8 KiB; grpc-js rejects larger messages. */
const MAX_MESSAGE_BYTES = 16 * 1024;

/** In bytes. grpc-js sends about 300; Node's default is 64 KiB. */
const MAX_GRPC_HEADERS_BYTES = 8 * 1024;

/** Of one connection in all. A client of podrole makes one call in each. */
const MAX_STREAMS = 16;

/** DATA frames of one message. A client of podrole sends one; a slow network may deliver it in two TLS records. */
const MAX_MESSAGE_PARTS = 64;

/**
 * In bytes: what a connection may send without a call. podrole's client needs 4 KiB for the handshake and the settings,
 * and one frame of 13 bytes for each 32 KiB of its answer.
 */
const MAX_IDLE_BYTES = 64 * 1024;

/** In bytes, of one call: its message and its headers, and as much again for the frames and records around them. */
const MAX_CALL_BYTES = 2 * (MAX_MESSAGE_BYTES + MAX_GRPC_HEADERS_BYTES);

const SHARED_LIMITS = {
  // Messages of up to MAX_MESSAGE_BYTES, with what was read together with them.
  bytes: 4 * 1024 * 1024,
  // A sidecar opens one connection for each call.
  requestsPerConnection: 2,
  headersMs: 10_000,
  bodyMs: 5_000,
  // Longer than the deadline of a sidecar's call, 15 s.
  callMs: 20_000,
  // podrole's client reads an answer as it arrives; this is long enough for a few lost packets.
  answerMs: 10_000,
  keepAliveMs: 30_000,
  sweepMs: 1_000,
} as const;

const MIB = 1024 * 1024;

/** What a listener may hold; `answers`: bytes of answers that callers have not read. */
export interface ListenerLimits extends BudgetLimits {
  readonly answers: UnreadAnswerLimits;
}

/**
 * The server may use 544 MiB. It takes about 100 MiB, and 50 000 sessions 125 MiB. A connection costs at most 300 KiB,
 * measured with two streams of 16 KiB of message and as many headers as Node reads: identity 75 MiB, credentials
 * 150 MiB. With 2 MiB for pages, 24 MiB for expressions of namespaces and 26 MiB for what it reports about its state,
 * 502 MiB. Answers that their callers have not read cost about three times their bytes, 36 MiB: 538 MiB together. One
 * core makes about 700 TLS handshakes a second: more connections would only wait longer. Of the connections, half may
 * be in the handshake: so many take about a second, and what comes beyond is closed before it costs anything.
 */
export const IDENTITY_LIMITS: ListenerLimits = {
  ...SHARED_LIMITS,
  connections: 256,
  handshakes: 128,
  requests: 256,
  // Pods are not told apart here, only addresses, and many pods may share one.
  answers: { total: 4 * MIB },
};
export const CREDENTIALS_LIMITS: ListenerLimits = {
  ...SHARED_LIMITS,
  connections: 512,
  handshakes: 256,
  requests: 512,
  // An answer has at most 640 KiB: 128 containers, session tokens of 4096 bytes and role ARNs. A sidecar makes one call
  // at a time.
  answers: { total: 8 * MIB, perCaller: MIB },
};

/** Calls in flight: fewer than connections, so that there is always room for one that is told when to retry. */
export const MAX_IDENTITY_CALLS = 192;
export const MAX_CREDENTIALS_CALLS = 384;

/**
 * podrole's client begins with up to 1.8 KiB. Then it sends its certificate and 400 bytes: for a pod with the longest
 * names, up to 1.7 KB in all with a CA that podrole has made, and 2.1 KB with an operator's CA with an RSA key of 4096
 * bits.
 */
const CREDENTIALS_INTAKE: IntakeLimits = { greetingBytes: 2 * 1024, proofBytes: 1_700, handshakeBytes: 6 * 1024 };

/** Returns the limits of handshakes by the CAs of the present material, read once for each bundle. */
function createIntakeLimits(tls: TlsSource, presentedBytes: (clientBundlePem: string) => number): () => IntakeLimits {
  const { greetingBytes, proofBytes, handshakeBytes } = CREDENTIALS_INTAKE;
  let bundle: string | undefined;
  let limits = CREDENTIALS_INTAKE;
  return () => {
    const { clientBundlePem = "" } = tls.current();
    if (clientBundlePem === bundle) return limits;
    bundle = clientBundlePem;
    const expected = Math.max(proofBytes, presentedBytes(bundle));
    limits = { ...CREDENTIALS_INTAKE, proofBytes: Math.min(expected, handshakeBytes - greetingBytes) };
    return limits;
  };
}

/** grpc-js has no way to get the server that it has bound. */
function boundServer(server: Server): TlsServer {
  const { http2Servers } = server as unknown as { readonly http2Servers: ReadonlyMap<TlsServer, unknown> };
  const [bound] = http2Servers.keys();
  if (bound === undefined) throw new Error("Cannot limit handshakes: grpc-js has no server; expected a bound one");
  return bound;
}

/** Creates a listener for one service; it listens after `listen()`. */
export function createListener(
  { clock, service, implementation, callerOf, presentedBytes = () => 0, onClose }: ListenerDeps,
  { address, tls, requireClientCertificate, graceMs, limits = CREDENTIALS_LIMITS }: ListenerOptions,
): Listener {
  const server = new Server({
    "grpc.max_receive_message_length": MAX_MESSAGE_BYTES,
    "grpc.max_connection_age_ms": 15 * 60_000,
    "grpc.max_connection_age_grace_ms": 30_000,
    // Nothing reads channelz, whose objects are a part of what a connection costs.
    "grpc.enable_channelz": 0,
  });
  server.addService(service, implementation);
  const tlsCredentials = serverCredentials(tls, requireClientCertificate, {
    handshakeTimeout: limits.headersMs,
    settings: {
      maxConcurrentStreams: limits.requestsPerConnection,
      maxHeaderListSize: MAX_GRPC_HEADERS_BYTES,
      initialWindowSize: MAX_MESSAGE_BYTES,
    },
  });
  let intake: LimitedIntake | undefined;
  const counter = limitGrpc(createBudget({ clock, ...(onClose && { onClose }) }, limits), {
    callerOf,
    maxHeaders: MAX_GRPC_HEADERS_BYTES,
    maxStreams: MAX_STREAMS,
    maxParts: MAX_MESSAGE_PARTS,
    idleBytes: MAX_IDLE_BYTES,
    callBytes: MAX_CALL_BYTES,
    answers: limits.answers,
    isHeldBack: (socket) => intake?.isHeldBack(socket) ?? false,
    heldBackMs: (socket) => intake?.heldBackMs(socket) ?? 0,
    isGreetingAwaited: (socket) => intake?.isGreetingAwaited(socket) ?? false,
  });
  const onSurplus = () => onClose?.("handshakes");
  return {
    listen() {
      return new Promise((resolve, reject) => {
        server.bindAsync(formatAddress(address), tlsCredentials, (error, port) => {
          if (error) return reject(error);
          const proof = requireClientCertificate ? "handshake" : "call";
          const mayPass = (socket: Socket, bytes: number) => counter.mayReceive(socket, bytes);
          const options: IntakeOptions = { clock, proof, onSurplus, mayPass };
          intake = limitIntake(boundServer(server), options, createIntakeLimits(tls, presentedBytes));
          counter.start(port);
          resolve(port);
        });
      });
    },
    prove(peer, group) {
      intake?.prove(peer);
      if (group !== undefined) counter.join(peer, group);
    },
    connections: () => counter.counts(),
    close() {
      counter.stop();
      return new Promise((resolve) => {
        const cancel = clock.schedule(() => {
          server.forceShutdown();
          resolve();
        }, graceMs);
        server.tryShutdown(() => {
          cancel();
          resolve();
        });
      });
    },
  };
}
