// The two gRPC ports: HTTP/2 frames of any shape on TLS connections, and hostile messages in valid frames.
import assert from "node:assert/strict";
import { connect, constants } from "node:http2";
import { connect as connectTls } from "node:tls";
import * as fc from "fast-check";
import { joinJwt } from "../../../emulators/jwt.ts";
import { createCsr } from "../../../src/pki/csr.ts";
import { generateKeyPem } from "../../../src/pki/keys.ts";
import { isErrorCode } from "../../../src/protocol/errors.ts";
import {
  GetCredentialsRequest,
  GetCredentialsResponse,
  IssueCertificateRequest,
} from "../../../src/protocol/generated/podrole/v1/podrole.ts";
import { grpcHeaders } from "../../protocol/grpc-call.ts";
import { HOSTILE_TEXTS, hostileText, mutatedBytes, mutatedText } from "../generate.ts";
import { assertNoCanary, canaryOf } from "../target.ts";
import type { FuzzWorld } from "../world.ts";
import { type SocketTarget, socketTarget } from "./socket-target.ts";

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const QUIET_MS = 40;
const PATIENCE_MS = 3_000;

type Port = "identity" | "credentials";

const PATHS = {
  identity: "/podrole.v1.Identity/IssueCertificate",
  credentials: "/podrole.v1.Credentials/GetCredentials",
} as const;

const portOf = ({ programs }: FuzzWorld, port: Port): number => programs.cluster.server.ports[port] ?? 0;

function tlsOf(world: FuzzWorld, port: Port) {
  const client = port === "credentials" ? { key: world.identity.key, cert: world.identity.cert } : {};
  return {
    host: "127.0.0.1",
    port: portOf(world, port),
    ca: world.ca,
    servername: "podrole-server.podrole.svc",
    ALPNProtocols: ["h2"],
    ...client,
  };
}

interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Uint8Array;
  /** Added to the length that is written. */
  readonly lie: number;
}

const HEADERS = Buffer.from([0x82, 0x86, 0x84, 0x41, 0x8a, 0xa0, 0xe4, 0x1d, 0x13, 0x9d, 0x09, 0xb8, 0xf0, 0x1e, 0x07]);

const frame: fc.Arbitrary<Frame> = fc.record({
  type: fc.oneof({ weight: 9, arbitrary: fc.nat(10) }, { weight: 1, arbitrary: fc.nat(255) }),
  flags: fc.oneof(fc.constantFrom(0, 1, 4, 5, 8, 0x20, 0x25), fc.nat(255)),
  stream: fc.oneof(fc.constantFrom(0, 1, 1, 1, 3, 5, 2, 0x7f_ff_ff_ff), fc.nat(0xff_ff)),
  payload: fc.oneof(
    mutatedBytes([
      HEADERS,
      Buffer.alloc(6),
      Buffer.alloc(8),
      Buffer.alloc(4),
      Buffer.from([0, 4, 0, 0, 255, 255]),
      Buffer.alloc(5),
    ]),
    fc.uint8Array({ maxLength: 64 }),
    fc.constantFrom(Buffer.alloc(16_384), Buffer.alloc(20_000, 0x40)),
  ),
  lie: fc.constantFrom(0, 0, 0, 0, 0, 1, -1, 0xff_ff),
});

function bytesOf({ type, flags, stream, payload, lie }: Frame): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(Math.max(0, payload.length + lie), 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream >>> 0, 5);
  return Buffer.concat([head, payload]);
}

/** HTTP/2 bytes on a TLS connection of their own. */
function framesTarget(port: Port): SocketTarget {
  return socketTarget<readonly Frame[]>({
    name: `${port} port, frames`,
    weight: 2,
    concurrency: 8,
    async open(world) {
      let session: Buffer | undefined;
      return {
        inputs: fc.array(frame, { maxLength: 8 }),
        send: (frames) =>
          new Promise((resolve, reject) => {
            const chunks: Buffer[] = [];
            const socket = connectTls({ ...tlsOf(world, port), ...(session && { session }) });
            const end = () => socket.destroy();
            let quiet = setTimeout(end, PATIENCE_MS);
            socket.on("session", (given) => {
              session = given;
            });
            socket.on("secureConnect", () => {
              socket.write(
                Buffer.concat([
                  PREFACE,
                  bytesOf({ type: 4, flags: 0, stream: 0, payload: Buffer.alloc(0), lie: 0 }),
                  ...frames.map(bytesOf),
                ]),
              );
            });
            socket.on("data", (chunk: Buffer) => {
              chunks.push(chunk);
              clearTimeout(quiet);
              quiet = setTimeout(end, QUIET_MS);
            });
            socket.on("error", (error: NodeJS.ErrnoException) => {
              if (error.code === "ECONNREFUSED") reject(error);
            });
            socket.on("close", () => {
              clearTimeout(quiet);
              try {
                assertNoCanary(Buffer.concat(chunks).toString("latin1"));
                resolve();
              } catch (error) {
                reject(error);
              }
            });
          }),
        close() {},
      };
    },
  });
}

interface Message {
  readonly body: Uint8Array;
  readonly compressed: number;
  readonly lie: number;
  readonly path: string;
  readonly headers: readonly string[];
}

function messagesOf(bodies: readonly Uint8Array[], path: string): fc.Arbitrary<Message> {
  return fc.record({
    body: fc.oneof(
      { weight: 5, arbitrary: mutatedBytes(bodies) },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 64 }) },
    ),
    compressed: fc.constantFrom(0, 0, 0, 0, 0, 1, 2, 255),
    lie: fc.constantFrom(0, 0, 0, 0, 0, 0, 1, -1, 70_000, 0x7f_ff_ff_ff),
    path: fc.oneof(
      { weight: 9, arbitrary: fc.constant(path) },
      {
        weight: 1,
        arbitrary: fc.constantFrom("/", "/podrole.v1.Identity/", `${path}x`, "/grpc.health.v1.Health/Check"),
      },
    ),
    headers: fc.array(
      fc.constantFrom(
        "grpc-timeout:1n",
        "grpc-timeout:-1S",
        "grpc-timeout:99999999H",
        "grpc-encoding:gzip",
        "grpc-encoding:x",
        "content-type:application/json",
        "x-a-bin:!!!",
        "podrole-code:OK",
      ),
      { maxLength: 2 },
    ),
  });
}

/** Messages in valid frames, on connections that stay open while the server keeps them. */
function messagesTarget(
  port: Port,
  weight: number,
  bodiesOf: (world: FuzzWorld) => fc.Arbitrary<Message>,
  check: (message: Buffer, world: FuzzWorld) => void,
): SocketTarget {
  return socketTarget<Message>({
    name: `${port} port, messages`,
    weight,
    concurrency: 8,
    async open(world) {
      const { host, port: number, ...tls } = tlsOf(world, port);
      const open = () => connect(`https://${host}:${number}`, tls).on("error", () => {});
      let http = open();
      return {
        inputs: bodiesOf(world),
        send: ({ body, compressed, lie, path, headers }) =>
          new Promise((resolve, reject) => {
            if (http.destroyed || http.closed) http = open();
            const extra = Object.fromEntries(headers.map((header) => header.split(":") as [string, string]));
            const stream = http.request({ ...grpcHeaders(path), ...extra });
            const timer = setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), PATIENCE_MS);
            const chunks: Buffer[] = [];
            let trailers: Readonly<Record<string, unknown>> = {};
            stream.on("response", (given) => {
              trailers = { ...trailers, ...given };
            });
            stream.on("trailers", (given) => {
              trailers = { ...trailers, ...given };
            });
            stream.on("data", (chunk: Buffer) => chunks.push(chunk));
            stream.on("error", () => {});
            stream.on("close", () => {
              clearTimeout(timer);
              try {
                const answer = Buffer.concat(chunks);
                const code = trailers["podrole-code"];
                assert.ok(
                  code === undefined || (typeof code === "string" && isErrorCode(code) && code !== "INTERNAL"),
                  `the code is ${String(code)}`,
                );
                assertNoCanary(JSON.stringify(trailers));
                // The server may close the connection between an answer and its trailers, after a number of calls.
                const { "grpc-status": status = answer.length > 0 ? "0" : undefined } = trailers;
                // A deadline may pass between a whole answer and its trailers, which then report the deadline.
                const isWhole = answer.length >= 5 && answer.length === 5 + answer.readUInt32BE(1);
                if (status === "0" || isWhole) check(answer.subarray(5), world);
                else assertNoCanary(answer.toString("latin1"));
                resolve();
              } catch (error) {
                reject(error);
              }
            });
            const prefix = Buffer.alloc(5);
            prefix[0] = compressed;
            prefix.writeUInt32BE(Math.max(0, body.length + lie) >>> 0, 1);
            stream.end(Buffer.concat([prefix, body]));
          }),
        close: () => http.destroy(),
      };
    },
  });
}

const csr = createCsr(generateKeyPem(), "web");

function proofs({ tokens }: FuzzWorld): fc.Arbitrary<Message> {
  const stranger = canaryOf("a token that a stranger sent");
  const jwt = (claims: object) => joinJwt({ alg: "RS256" }, claims, "A".repeat(86));
  const texts = [
    ...[
      "",
      "not.a.token",
      stranger,
      tokens.app,
      jwt({ aud: ["podrole.io"], exp: 9e9 }),
      jwt({ aud: "podrole.io", exp: "x" }),
    ],
    jwt({ aud: ["podrole.io"], exp: 1, sub: stranger }),
  ];
  const bodies = texts.map((token) =>
    IssueCertificateRequest.encode({
      token,
      certificateSigningRequest: csr,
      bundleHash: "",
      containers: NAMES,
      holdings: HOLDINGS,
    }).finish(),
  );
  return messagesOf(bodies, PATHS.identity);
}

const NAMES = ["app", "worker", "podrole-sidecar", "../app", "shop/web/app", "x".repeat(5_000), ...HOSTILE_TEXTS];

/** What no sidecar reports. */
const HOLDINGS = NAMES.map((text) => text.slice(0, 80)).map((text) => {
  return { container: text, roleArn: text, remainingSeconds: 2 ** 32 - 1, code: text };
});

function questions(): fc.Arbitrary<Message> {
  const lists = [
    ["app"],
    ["worker", "app"],
    [],
    ["app", "app"],
    NAMES,
    Array.from({ length: 300 }, (_, index) => `c${index}`),
  ];
  const bodies = lists.map((containers) =>
    GetCredentialsRequest.encode({ containers, bundleHash: "x", holdings: HOLDINGS }).finish(),
  );
  const named = fc.array(fc.oneof(mutatedText(NAMES), hostileText), { maxLength: 4 }).map(
    (containers): Message => ({
      body: GetCredentialsRequest.encode({ containers, bundleHash: "", holdings: [] }).finish(),
      compressed: 0,
      lie: 0,
      path: PATHS.credentials,
      headers: [],
    }),
  );
  return fc.oneof(messagesOf(bodies, PATHS.credentials), named);
}

/** Credentials only for the two containers that have a role, each with its own. */
function checkGrants(message: Buffer): void {
  for (const { container, result } of GetCredentialsResponse.decode(message).grants) {
    if (result?.$case === "credentials") {
      assert.ok(["app", "worker"].includes(container), `container ${JSON.stringify(container)} got credentials`);
      assert.ok(result.credentials.roleArn.endsWith(`:role/shop-${container}`));
    } else {
      assert.ok(isErrorCode(result?.refusal.code ?? "") && result?.refusal.code !== "INTERNAL", JSON.stringify(result));
      assertNoCanary(JSON.stringify(result));
    }
  }
}

export const GRPC_TARGETS = [
  framesTarget("identity"),
  framesTarget("credentials"),
  messagesTarget("identity", 3, proofs, () => {
    throw new assert.AssertionError({ message: "a stranger's proof was accepted" });
  }),
  messagesTarget("credentials", 4, questions, checkGrants),
];
