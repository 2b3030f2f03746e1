// A gRPC client whose connection stays open, written on node:http2: podrole's own client opens one connection per call,
// and attackers do not.
import { type ClientHttp2Session, connect } from "node:http2";
import type { TLSSocket } from "node:tls";

/** The server and how to connect to it. PEM; without `ca`, any server certificate is accepted. */
export interface GrpcOptions {
  readonly port: number;
  readonly ca?: string;
  readonly key?: string;
  readonly cert?: string;
  /** A TLS session to resume. */
  readonly session?: Buffer;
  /** Address of this machine to connect from. */
  readonly localAddress?: string;
}

/** What a call ended with: a message, podrole's code (or the gRPC status without one), or no connection at all. */
export type GrpcOutcome =
  | { readonly kind: "message"; readonly message: Buffer }
  | { readonly kind: "refused"; readonly code: string; readonly text: string }
  | { readonly kind: "disconnected"; readonly reason: string };

/** An open connection. */
export interface GrpcConnection {
  /** `path`: "/podrole.v1.Identity/IssueCertificate"; `message`: encoded. Never rejects. */
  call(path: string, message: Uint8Array, deadlineMs?: number): Promise<GrpcOutcome>;
  /** The newest TLS session, for a later connection to resume; undefined if the server issued none. */
  readonly session: () => Buffer | undefined;
  /** True if TLS resumed the session of the options. */
  readonly resumed: () => boolean;
  close(): void;
}

/** Starts to connect; a connection that fails shows at the first call. */
export function openGrpc({ port, ca, key, cert, session, localAddress }: GrpcOptions): GrpcConnection {
  let ticket: Buffer | undefined;
  let failure = "";
  const http: ClientHttp2Session = connect(`https://127.0.0.1:${port}`, {
    servername: "podrole-server.podrole.svc",
    ...(ca === undefined ? { rejectUnauthorized: false } : { ca }),
    ...(key !== undefined && { key, cert }),
    ...(session && { session }),
    ...(localAddress !== undefined && { localAddress }),
  });
  // A refused client certificate shows as a reset or as an alert, with TLS 1.3 only after the handshake.
  http.on("error", (error) => {
    failure ||= error.message;
  });
  http.once("connect", (_session, socket) => {
    (socket as TLSSocket).on("session", (given) => {
      ticket = given;
    });
  });

  function call(path: string, message: Uint8Array, deadlineMs = 10_000): Promise<GrpcOutcome> {
    return new Promise((resolve) => {
      const disconnected = (reason: string) => resolve({ kind: "disconnected", reason: failure || reason });
      if (http.destroyed || http.closed) return disconnected("the connection is closed");
      const stream = http.request(grpcHeaders(path));
      const timer = setTimeout(() => stream.close(), deadlineMs);
      const chunks: Buffer[] = [];
      let trailers: Readonly<Record<string, string | string[] | undefined>> = {};
      stream.on("response", (headers) => {
        trailers = { ...trailers, ...headers };
      });
      stream.on("trailers", (headers) => {
        trailers = { ...trailers, ...headers };
      });
      stream.on("data", (chunk: Buffer) => chunks.push(chunk));
      stream.on("error", (error: Error) => {
        failure ||= error.message;
      });
      stream.on("close", () => {
        clearTimeout(timer);
        const status = trailers["grpc-status"];
        if (status === undefined) return disconnected("the stream ended without a status");
        if (status === "0") return resolve({ kind: "message", message: Buffer.concat(chunks).subarray(5) });
        const code = [trailers["podrole-code"]].flat()[0] ?? `status ${[status].flat()[0]}`;
        return resolve({ kind: "refused", code, text: decodeURIComponent([trailers["grpc-message"]].flat()[0] ?? "") });
      });
      stream.end(frameOf(message));
    });
  }

  return {
    call,
    session: () => ticket,
    resumed: () => (http.socket as TLSSocket).isSessionReused(),
    close: () => http.destroy(),
  };
}

/** Returns the headers of a gRPC call. `path`: "/podrole.v1.Identity/IssueCertificate". */
export function grpcHeaders(path: string) {
  return { ":method": "POST", ":path": path, "content-type": "application/grpc", te: "trailers" };
}

/** Puts gRPC's prefix before a message: not compressed, and its length. */
export function frameOf(message: Uint8Array): Buffer {
  const prefix = Buffer.alloc(5);
  prefix.writeUInt32BE(message.length, 1);
  return Buffer.concat([prefix, message]);
}
