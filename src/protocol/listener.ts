// podrole's side that answers: a gRPC server on one port, with TLS material that changes while it runs.
// States: created → listening (listen) → draining (close: no new calls, running ones finish) → closed, at the latest
// after the grace time. Connections end when idle or old, so that sidecars spread over replicas that came later.
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";
import {
  experimental,
  type handleUnaryCall,
  Server,
  type ServerCredentials,
  type ServerUnaryCall,
  type ServiceDefinition,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import type { Clock } from "../runtime/clock.ts";
import type { Secret } from "../runtime/secret.ts";
import type { Address } from "../runtime/settings.ts";
import { type PodroleError, toPodroleError } from "./errors.ts";
import { toStatus } from "./status.ts";

/** What a port shows and whom it believes. `clientBundlePem`: absent on a port that asks for no client certificate. */
export interface TlsMaterial {
  readonly certificatePem: string;
  readonly privateKey: Secret;
  readonly clientBundlePem?: string;
}

/** Material that changes: `current()` is what new connections get, listeners hear of every change. */
export interface TlsSource {
  current(): TlsMaterial;
  onChange(listener: () => void): () => void;
}

/** Who is calling, as far as the connection tells. */
export interface Peer {
  /** ip:port of the TCP connection: for the log, never for a decision. */
  readonly address: string;
  /** The verified client certificate, DER; absent on ports that ask for none. */
  readonly certificate: Uint8Array | undefined;
}

/** One method as a plain async function: it returns the answer or throws; a PodroleError reaches the caller as is. */
export function unary<Request, Response>(
  handle: (request: Request, peer: Peer) => Promise<Response>,
  onFailure: (error: PodroleError, peer: Peer) => void,
): handleUnaryCall<Request, Response> {
  return (call, answer) => {
    const peer = peerOf(call);
    handle(call.request, peer).then(
      (response) => answer(null, response),
      (thrown: unknown) => {
        const error = toPodroleError(thrown);
        onFailure(error, peer);
        answer(toStatus(error));
      },
    );
  };
}

function peerOf(call: ServerUnaryCall<unknown, unknown>): Peer {
  return { address: call.getPeer(), certificate: call.getAuthContext()?.sslPeerCertificate?.raw };
}

export interface Listener {
  /** Binds and answers; resolves with the port (a free one when 0 was asked for). */
  listen(): Promise<number>;
  /** Of now, and of all time. */
  connections(): { readonly open: number; readonly opened: number };
  close(): Promise<void>;
}

export interface ListenerOptions {
  readonly address: Address;
  readonly tls: TlsSource;
  readonly requireClientCertificate: boolean;
  /** How long running calls may take after close(), in milliseconds. */
  readonly graceMs: number;
}

/** Tokens and CSRs are about 2 KiB; nothing larger than this is read. */
const LARGEST_MESSAGE = 64 * 1024;

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
    "grpc.max_receive_message_length": LARGEST_MESSAGE,
    "grpc.max_connection_idle_ms": 60_000,
    "grpc.max_connection_age_ms": 15 * 60_000,
    "grpc.max_connection_age_grace_ms": 30_000,
  });
  server.addService(service, implementation);
  const counting = countConnections();
  return {
    listen() {
      const host = address.host.includes(":") ? `[${address.host}]` : address.host;
      return new Promise((resolve, reject) => {
        server.bindAsync(`${host}:${address.port}`, serverCredentials(tls, requireClientCertificate), (error, port) => {
          if (error) return reject(error);
          counting.start(port);
          resolve(port);
        });
      });
    },
    connections: counting.counts,
    close() {
      counting.stop();
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

/** grpc-js does not show its connections; Node tells of every socket that any server of the process accepts. */
function countConnections() {
  let port: number | undefined;
  let open = 0;
  let opened = 0;
  function hear(message: unknown): void {
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
      subscribe("net.server.socket", hear);
    },
    counts: () => ({ open, opened }),
    stop: () => void unsubscribe("net.server.socket", hear),
  };
}

/** grpc-js reloads certificates through providers (its `experimental` export since 1.13; its own xDS code rests on it). */
function serverCredentials(tls: TlsSource, requireClientCertificate: boolean): ServerCredentials {
  const provider = certificateProvider(tls);
  return experimental.createCertificateProviderServerCredentials(
    provider,
    requireClientCertificate ? provider : null,
    requireClientCertificate,
  );
}

function certificateProvider(tls: TlsSource): experimental.CertificateProvider {
  const subscriptions = new Map<unknown, () => void>();
  function follow(listener: unknown, deliver: (material: TlsMaterial) => void): void {
    // Not at once: grpc-js registers who is to hear of the material only after this call.
    queueMicrotask(() => deliver(tls.current()));
    subscriptions.set(
      listener,
      tls.onChange(() => deliver(tls.current())),
    );
  }
  function forget(listener: unknown): void {
    subscriptions.get(listener)?.();
    subscriptions.delete(listener);
  }
  return {
    addCaCertificateListener: (listener) =>
      follow(listener, ({ clientBundlePem }) =>
        listener(clientBundlePem === undefined ? null : { caCertificate: Buffer.from(clientBundlePem) }),
      ),
    removeCaCertificateListener: forget,
    addIdentityCertificateListener: (listener) =>
      follow(listener, ({ certificatePem, privateKey }) =>
        listener({ certificate: Buffer.from(certificatePem), privateKey: Buffer.from(privateKey.reveal()) }),
      ),
    removeIdentityCertificateListener: forget,
  };
}
