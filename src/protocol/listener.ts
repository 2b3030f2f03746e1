// A gRPC server on one port, the server side of podrole's protocol.
// States: created → listening (listen) → draining (close: no new calls, running ones finish) → closed, at the latest
// after the grace time. Connections are closed when idle or old, so that sidecars also connect to replicas that started
// later.
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";
import {
  type handleUnaryCall,
  Server,
  type ServerUnaryCall,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import type { Clock } from "../runtime/clock.ts";
import type { Address } from "../runtime/settings.ts";
import { type PodroleError, toPodroleError } from "./errors.ts";
import { toStatus } from "./status.ts";
import { serverCredentials, type TlsSource } from "./tls.ts";

/** The caller, as far as the connection identifies it. */
export interface Peer {
  /** ip:port of the TCP connection: for the log, never for a decision. */
  readonly address: string;
  /** The verified client certificate, DER; absent on ports that request none. */
  readonly certificate: Uint8Array | undefined;
}

/**
 * Returns the gRPC handler of an async function, which resolves with the response or throws. The caller receives a
 * PodroleError unchanged and anything else as INTERNAL; `onFailure` receives both.
 */
export function unary<Request, Response>(
  handle: (request: Request, peer: Peer) => Promise<Response>,
  onFailure: (error: PodroleError, peer: Peer) => void,
): handleUnaryCall<Request, Response> {
  return (call, respond) => {
    const peer = peerOf(call);
    handle(call.request, peer).then(
      (response) => respond(null, response),
      (thrown: unknown) => {
        const error = toPodroleError(thrown);
        onFailure(error, peer);
        respond(toStatus(error));
      },
    );
  };
}

function peerOf(call: ServerUnaryCall<unknown, unknown>): Peer {
  return { address: call.getPeer(), certificate: call.getAuthContext()?.sslPeerCertificate?.raw };
}

/** A gRPC server on one port. */
export interface Listener {
  /** Binds and listens; resolves with the port (any free one for port 0). Rejects if the address cannot be bound. */
  listen(): Promise<number>;
  /** Returns the number of open connections, and of all since listen(). */
  connections(): { readonly open: number; readonly opened: number };
  close(): Promise<void>;
}

/** How a listener serves. */
export interface ListenerOptions {
  readonly address: Address;
  readonly tls: TlsSource;
  readonly requireClientCertificate: boolean;
  /** Milliseconds that running calls may take after close(). */
  readonly graceMs: number;
}

/** In bytes. Tokens and CSRs have about 2 KiB; grpc-js rejects larger messages. */
const MAX_MESSAGE = 64 * 1024;

/** Creates a listener for one service; it listens after `listen()`. */
export function createListener(
  {
    clock,
    service,
    implementation,
  }: {
    readonly clock: Clock;
    readonly service: ServiceDefinition;
    readonly implementation: UntypedServiceImplementation;
  },
  { address, tls, requireClientCertificate, graceMs }: ListenerOptions,
): Listener {
  const server = new Server({
    "grpc.max_receive_message_length": MAX_MESSAGE,
    "grpc.max_connection_idle_ms": 60_000,
    "grpc.max_connection_age_ms": 15 * 60_000,
    "grpc.max_connection_age_grace_ms": 30_000,
  });
  server.addService(service, implementation);
  const counter = countConnections();
  return {
    listen() {
      const host = address.host.includes(":") ? `[${address.host}]` : address.host;
      return new Promise((resolve, reject) => {
        server.bindAsync(`${host}:${address.port}`, serverCredentials(tls, requireClientCertificate), (error, port) => {
          if (error) return reject(error);
          counter.start(port);
          resolve(port);
        });
      });
    },
    connections: counter.counts,
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

/**
 * Counts through Node's diagnostics channel, which reports every accepted socket: grpc-js does not expose connections.
 */
function countConnections() {
  let port: number | undefined;
  let open = 0;
  let opened = 0;
  function onSocket(message: unknown): void {
    const { socket } = message as { readonly socket: Socket };
    if (socket.localPort !== port) return;
    open += 1;
    opened += 1;
    socket.once("close", () => {
      open -= 1;
    });
  }
  return {
    start(bound: number) {
      port = bound;
      subscribe("net.server.socket", onSocket);
    },
    counts: () => ({ open, opened }),
    stop: () => void unsubscribe("net.server.socket", onSocket),
  };
}
