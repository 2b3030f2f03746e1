// Raw HTTP at the sidecar's and the programs' plain ports: one TCP connection per input, whose bytes may be any.
import assert from "node:assert/strict";
import { connect } from "node:net";
import { mutatedBytes } from "../generate.ts";
import { assertNoCanary } from "../target.ts";
import type { FuzzWorld } from "../world.ts";
import { type SocketTarget, socketTarget } from "./socket-target.ts";

/** A server that neither answers nor closes is given this long; it ends the connection by its own times later. */
const PATIENCE_MS = 2_000;
const MAX_ANSWER_LENGTH = 256 * 1024;

/** Sends the bytes, then FIN; resolves with everything that came back until the connection closed. */
function exchange(port: number, bytes: Uint8Array): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    const timer = setTimeout(() => socket.destroy(), PATIENCE_MS);
    socket.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length <= MAX_ANSWER_LENGTH) chunks.push(chunk);
      else socket.destroy();
    });
    socket.on("end", () => socket.destroy());
    // A reset is an ordinary end of a broken request; a refused connection means that the program is gone.
    socket.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "ECONNREFUSED") reject(error);
    });
    socket.on("close", () => {
      clearTimeout(timer);
      resolve(Buffer.concat(chunks).toString("latin1"));
    });
    socket.end(bytes);
  });
}

/** Every answer on the connection is HTTP, and none is a failure of podrole's own. */
function assertHttp(answer: string): void {
  if (answer === "") return;
  assert.match(answer, /^HTTP\/1\.1 \d{3} /);
  for (const [, status] of answer.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)) {
    assert.ok(Number(status) < 500 || status === "503" || status === "505", `the answer's status is ${status}`);
  }
}

const latin1 = (texts: readonly string[]) => texts.map((text) => Buffer.from(text, "latin1"));

function requestsTo(paths: readonly string[], headers: string): Buffer[] {
  const line = (method: string, path: string, rest: string) =>
    `${method} ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n${rest}\r\n`;
  return latin1([
    ...paths.map((path) => line("GET", path, headers)),
    ...paths.map((path) => line("HEAD", path, headers).repeat(2)),
    ...paths.flatMap((path) =>
      ["POST", "OPTIONS", "DELETE"].map((method) => line(method, path, `Content-Length: 3\r\n${headers}`) + "abc"),
    ),
    line("POST", paths[0] ?? "/", `Transfer-Encoding: chunked\r\n${headers}`) + "3\r\nabc\r\n0\r\n\r\n",
    line("POST", paths[0] ?? "/", `Transfer-Encoding: chunked\r\nContent-Length: 4\r\n${headers}`) + "0\r\n\r\nG",
    line("GET", `http://169.254.169.254${paths[0]}`, headers),
    line("CONNECT", "127.0.0.1:443", headers),
    line("GET", paths[0] ?? "/", `Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n${headers}`),
    line("GET", paths[0] ?? "/", `Expect: 100-continue\r\nContent-Length: 1\r\n${headers}`),
    `GET ${paths[0]}\r\n\r\n`,
    `GET ${paths[0]} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n`,
    `GET ${paths[0]} HTTP/1.1\r\n${"X-A: b\r\n".repeat(60)}\r\n`,
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\u0000\u0000\u0000\u0004\u0000\u0000\u0000\u0000\u0000",
    "\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003",
  ]);
}

/** A target of a plain HTTP port. `check` receives the answer, and the input as text. */
function httpTarget(
  name: string,
  weight: number,
  set: (world: FuzzWorld) => {
    readonly port: number;
    readonly corpus: readonly Buffer[];
    readonly check: (answer: string, input: string) => void;
  },
): SocketTarget {
  return socketTarget<Uint8Array>({
    name,
    weight,
    concurrency: 16,
    async open(world) {
      const { port, corpus, check } = set(world);
      return {
        inputs: mutatedBytes(corpus),
        async send(bytes) {
          const answer = await exchange(port, bytes);
          assertHttp(answer);
          check(answer, Buffer.from(bytes).toString("latin1"));
        },
        close() {},
      };
    },
  });
}

const nothingSecret = (answer: string): void => assertNoCanary(answer);

export const HTTP_TARGETS = [
  httpTarget("sidecar, credentials", 5, ({ app, tokens, secretKeys }) => ({
    port: app.port,
    corpus: [
      ...requestsTo(["/v1/credentials", "/v1/credentials?x=1", "/latest/meta-data/"], ""),
      ...requestsTo(["/v1/credentials"], `Authorization: ${tokens.app}\r\n`),
      ...requestsTo(["/v1/credentials"], `Authorization: ${tokens.app}\r\nAuthorization: ${tokens.worker}\r\n`),
      ...requestsTo(["/v1/credentials"], "Authorization: Bearer x\r\n"),
    ],
    check(answer, input) {
      // Credentials are in an answer only if the input has a container's token.
      if (!input.includes(tokens.app) && !input.includes(tokens.worker)) assertNoCanary(answer);
      for (const container of ["app", "worker"] as const) {
        if (!input.includes(tokens[container]))
          assert.ok(!answer.includes(secretKeys[container]), `${container}'s credentials`);
      }
    },
  })),
  httpTarget("sidecar, metadata paths", 2, ({ metadata }) => ({
    port: metadata.port,
    corpus: [
      ...requestsTo(
        ["/latest/meta-data/iam/security-credentials/shop-meta", "/latest/api/token"],
        "X-aws-ec2-metadata-token: x.y\r\n",
      ),
      ...latin1([
        "PUT /latest/api/token HTTP/1.1\r\nHost: 127.0.0.1\r\nX-aws-ec2-metadata-token-ttl-seconds: 60\r\n\r\n",
      ]),
    ],
    check: nothingSecret,
  })),
  httpTarget("sidecar, pages", 1, ({ app }) => ({
    port: app.healthPort,
    corpus: requestsTo(["/metrics", "/healthz", "/readyz"], ""),
    check: nothingSecret,
  })),
  httpTarget("server, pages", 1, ({ programs }) => ({
    port: programs.cluster.server.ports["pages"] ?? 0,
    corpus: requestsTo(["/metrics", "/healthz", "/readyz"], ""),
    check: nothingSecret,
  })),
  httpTarget("webhook, pages", 1, ({ programs }) => ({
    port: programs.cluster.webhook.ports["pages"] ?? 0,
    corpus: requestsTo(["/metrics", "/healthz", "/readyz"], ""),
    check: nothingSecret,
  })),
];
