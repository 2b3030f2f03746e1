// The TCP connections that one call of a client opens. grpc-js has no time limit for them and does not say how far they
// came, so both follow from Node's diagnostics channel, which reports every client socket of the process before it
// connects.
// (https://nodejs.org/api/diagnostics_channel.html#built-in-channels)
// States of a connection: connecting → connected (TCP) → secured (TLS, the server's name verified) → closed; a
// connection that is not connected in time is closed. grpc-js then tries the next address, or fails the call.
import { AsyncLocalStorage } from "node:async_hooks";
import { subscribe, unsubscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";
import { checkServerIdentity, type PeerCertificate } from "node:tls";
import type { ChannelCredentials } from "@grpc/grpc-js";
import { systemClock } from "../runtime/clock.ts";
import type { Handshake } from "./status.ts";

/** How far a call's connections came. */
export interface CallConnections {
  /** Makes a call whose connections count; it must open them itself or by promises and timers that it starts. */
  run<Result>(call: () => Result): Result;
  /** Verifies the server's name in its certificate, as tls.checkServerIdentity() does. */
  readonly checkServerIdentity: (hostname: string, certificate: PeerCertificate) => Error | undefined;
  readonly hasConnected: () => boolean;
  /** Returns the same credentials; handshake() then reports on the handshakes that use them. */
  readonly watchHandshakes: (security: ChannelCredentials) => ChannelCredentials;
  readonly handshake: () => Handshake;
  /** Ends the watch. Connections that are open stay so. */
  stop(): void;
}

const CLIENT_SOCKETS_CHANNEL = "net.client.socket";

/** Starts to watch. `timeoutMs`: milliseconds from a connection's first packet until TCP is up; TLS may take longer. */
export function watchConnections(timeoutMs: number): CallConnections {
  const own = new AsyncLocalStorage<true>();
  const cancels = new Set<() => void>();
  let hasConnected = false;
  let wasSecured = false;
  let certificateProblem: string | undefined;
  let wasReset = false;

  function onSocket(message: unknown): void {
    if (own.getStore() !== true) return;
    const { socket } = message as { readonly socket: Socket };
    const late = () => socket.destroy(new Error(`no TCP connection within ${timeoutMs / 1000} s`));
    const cancel = systemClock.schedule(late, timeoutMs);
    cancels.add(cancel);
    socket.once("close", cancel);
    socket.once("connect", () => {
      cancel();
      hasConnected = true;
    });
  }

  subscribe(CLIENT_SOCKETS_CHANNEL, onSocket);
  return {
    run: (call) => own.run(true, call),
    checkServerIdentity(hostname, certificate) {
      const problem = checkServerIdentity(hostname, certificate);
      // TLS calls this last, after the certificate's chain is verified.
      wasSecured ||= problem === undefined;
      return problem;
    },
    hasConnected: () => hasConnected,
    watchHandshakes(security) {
      const createConnector = security._createSecureConnector.bind(security);
      security._createSecureConnector = (...options) => {
        const connector = createConnector(...options);
        const connect = connector.connect.bind(connector);
        connector.connect = async (socket) => {
          try {
            return await connect(socket);
          } catch (error) {
            const code = codeOf(error);
            certificateProblem = CERTIFICATE_PROBLEM.test(code) ? code : undefined;
            wasReset = CLOSED_BY_PEER.has(code);
            throw error;
          }
        };
        return connector;
      };
      return security;
    },
    handshake: () => ({ wasSecured, certificateProblem, wasReset }),
    stop() {
      unsubscribe(CLIENT_SOCKETS_CHANNEL, onSocket);
      for (const cancel of cancels) cancel();
    },
  };
}

/** Codes of a certificate that does not verify (https://nodejs.org/api/tls.html#x509-certificate-error-codes). */
const CERTIFICATE_PROBLEM =
  /^(CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|INVALID_|PATH_LENGTH_|HOSTNAME_|ERR_TLS_CERT_)/;

/** Codes of a connection that the peer closed. */
const CLOSED_BY_PEER: ReadonlySet<string> = new Set(["ECONNRESET", "EPIPE"]);

/** Returns Node's code of an error; grpc-js passes on only its text. */
function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}
