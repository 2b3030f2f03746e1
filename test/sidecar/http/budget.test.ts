// How much the sidecar's ports keep in memory for programs in the pod, over real sockets with small limits.
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { until } from "../../../emulators/until.ts";
import type { BudgetLimits, CloseReason } from "../../../src/runtime/budget.ts";
import { Secret } from "../../../src/runtime/secret.ts";
import { createCredentialsEndpoint } from "../../../src/sidecar/http/endpoint.ts";
import { createHealthServer } from "../../../src/sidecar/http/health.ts";
import { createTokenMatcher } from "../../../src/sidecar/http/match-token.ts";
import { textReply } from "../../../src/sidecar/http/replies.ts";
import { ENDPOINT_LIMITS } from "../../../src/sidecar/http/servers.ts";
import { createSidecarMetrics } from "../../../src/sidecar/metrics.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { createKeptLog } from "../../fakes/log.ts";
import { ON_LINUX } from "../../on-linux.ts";
import { sendRequest } from "../send-request.ts";

const LIMITS = { ...ENDPOINT_LIMITS, connections: 8, requests: 8 };

/** `hasCredentials` false: requests with a token are held. */
async function startEndpoint(
  context: TestContext,
  { hasCredentials, limits = LIMITS }: { readonly hasCredentials: boolean; readonly limits?: BudgetLimits },
) {
  const clock = createFakeClock();
  const closed: CloseReason[] = [];
  let answered = 0;
  let requested = 0;
  const endpoint = createCredentialsEndpoint(
    {
      clock,
      log: createKeptLog().log,
      store: { reply: () => (hasCredentials ? textReply(200, "credentials") : undefined), refusal: () => undefined },
      renewals: {
        renewNow: () => void requested++,
        failure: () => undefined,
        nextInMs: () => 0,
        onEnd: () => () => {},
      },
      matchToken: createTokenMatcher({ current: [new Secret("token-a"), new Secret("token-b")], earlier: [] }),
      count: () => answered++,
      onClose: (reason) => closed.push(reason),
    },
    { port: 0, containers: ["app", "other"], holdMs: 900, limits },
  );
  const port = await endpoint.listen();
  const sockets: Socket[] = [];
  context.after(async () => {
    for (const socket of sockets) socket.destroy();
    await endpoint.close();
  });
  const open = async (text: string, localAddress = "127.0.0.1") => {
    const socket = connect({ port, host: "127.0.0.1", localAddress }).on("error", () => {});
    sockets.push(socket);
    await once(socket, "connect");
    socket.write(text);
    return socket;
  };
  return { port, clock, closed, open, answered: () => answered, requested: () => requested };
}

const requestWith = (token?: string) =>
  `GET /v1/credentials HTTP/1.1\r\nHost: 127.0.0.1\r\n${token === undefined ? "" : `Authorization: ${token}\r\n`}\r\n`;

test("the credentials port serves a container while another one holds every connection open", async (context) => {
  const { port, open, closed } = await startEndpoint(context, { hasCredentials: true });
  for (let index = 0; index < 20; index++) await once(await open(requestWith("token-b")), "data");
  assert.equal((await sendRequest(port, { token: "token-a" })).status, 200);
  assert.equal(closed.length, 13);
});

test(
  "the credentials port counts everything without a valid token together, whatever its address",
  ON_LINUX,
  async (context) => {
    const { open, closed } = await startEndpoint(context, { hasCredentials: true });
    const container = await open(requestWith("token-a"));
    await once(container, "data");
    for (let index = 2; index < 22; index++) await once(await open(requestWith("wrong"), `127.0.0.${index}`), "data");
    container.write(requestWith("token-a"));
    await once(container, "data");
    assert.equal(closed.length, 13);
  },
);

test("the credentials port closes a connection that pipelines, and does not hold its requests", async (context) => {
  const { port, open, closed, requested, clock } = await startEndpoint(context, { hasCredentials: false });
  const socket = await open(requestWith("token-b").repeat(500));
  await once(socket, "close");
  assert.equal(requested(), 1);
  assert.deepEqual([...new Set(closed)], ["requests"]);
  const held = sendRequest(port, { token: "token-a" });
  await until(() => requested() === 2, "the endpoint holds the request");
  await clock.advance(900);
  assert.equal((await held).status, 503);
});

test("the credentials port keeps nothing of the body of a request that it holds", async (context) => {
  const { open, answered, requested } = await startEndpoint(context, { hasCredentials: false });
  // More than the socket buffers of both ends take: it can be written only if the sidecar reads it.
  const length = 64 * 1024 * 1024;
  const socket = await open(requestWith("token-a").replace("\r\n\r\n", `\r\nContent-Length: ${length}\r\n\r\n`));
  await new Promise((resolve) => socket.write(Buffer.alloc(length), resolve));
  assert.deepEqual([socket.destroyed, requested(), answered()], [false, 1, 0]);
});

test("the credentials port closes the connection of a request with a body once it is answered", async (context) => {
  const { open, answered } = await startEndpoint(context, { hasCredentials: true });
  const socket = await open(
    requestWith("token-a").replace("\r\n\r\n", "\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n \r\n"),
  );
  let answer = "";
  for await (const chunk of socket.setEncoding("utf8")) answer += chunk;
  assert.match(answer, /^HTTP\/1\.1 200 .*^connection: close\r$.*credentials$/ims);
  assert.equal(answered(), 1);
});

test("the credentials port closes connections that send nothing, or half of the headers", async (context) => {
  const { open, closed, clock } = await startEndpoint(context, { hasCredentials: true });
  const sockets = [await open(""), await open("GET /v1/cred")];
  const ended = sockets.map((socket) => once(socket, "close"));
  await clock.advance(ENDPOINT_LIMITS.headersMs + ENDPOINT_LIMITS.sweepMs);
  await Promise.all(ended);
  assert.deepEqual(closed, ["headers", "headers"]);
});

test("the credentials port keeps an idle connection for as long as it announces", async (context) => {
  const { open, closed, clock } = await startEndpoint(context, { hasCredentials: true });
  // The connection begins just before a sweep, so that the budget counts almost one sweep too many.
  const first = await open("");
  await clock.advance(ENDPOINT_LIMITS.sweepMs - 1);
  const socket = await open(requestWith("token-a"));
  const [answer] = (await once(socket, "data")) as [Buffer];
  const [, seconds] = /^keep-alive: timeout=(\d+)/im.exec(answer.toString()) ?? [];
  await clock.advance(Number(seconds) * 1_000);
  first.write(requestWith("token-a"));
  await once(first, "data");
  assert.deepEqual([Number(seconds) > 0, socket.destroyed, closed], [true, false, []]);
});

test("the credentials port closes a kept connection that sends half of its next headers", async (context) => {
  const { open, closed, clock } = await startEndpoint(context, { hasCredentials: true });
  const socket = await open(requestWith("token-a"));
  await once(socket, "data");
  const ended = once(socket, "close");
  socket.write("GET /v1/cred");
  await clock.advance(ENDPOINT_LIMITS.keepAliveMs + ENDPOINT_LIMITS.sweepMs);
  await ended;
  assert.deepEqual(closed, ["keepAlive"]);
});

test("the credentials port answers a request that arrived while its process stood still", async (context) => {
  const limits = { ...LIMITS, headersMs: 50, bodyMs: 50, sweepMs: 10 };
  const { port, open } = await startEndpoint(context, { hasCredentials: true, limits });
  const socket = await open("");
  // A later connection that is answered shows that this one was accepted.
  assert.equal((await sendRequest(port, { token: "token-a" })).status, 200);
  socket.write(requestWith("token-a"));
  standStill(limits.headersMs + limits.bodyMs + limits.sweepMs);
  const [answer] = (await once(socket, "data")) as [Buffer];
  assert.match(answer.toString(), /^HTTP\/1\.1 200 /);
});

/** Runs nothing for so many milliseconds, as a starved process. */
function standStill(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

async function startHealth(context: TestContext) {
  const clock = createFakeClock();
  const closed: CloseReason[] = [];
  const health = createHealthServer(
    {
      clock,
      store: { isReady: () => true, expiries: () => ({ credentials: undefined, certificate: undefined }) },
      renewals: { isStuck: () => false },
      metrics: createSidecarMetrics(),
      onClose: (reason) => closed.push(reason),
    },
    { port: 0, limits: LIMITS },
  );
  const port = await health.listen();
  const strangers: Socket[] = [];
  context.after(async () => {
    for (const socket of strangers) socket.destroy();
    await health.close();
  });
  async function connectSilently(localAddress: string): Promise<void> {
    const socket = connect({ port, host: "127.0.0.1", localAddress }).on("error", () => {});
    strangers.push(socket);
    await once(socket, "connect");
  }
  return { clock, closed, port, connectSilently };
}

test(
  "the health port answers a probe while many addresses hold every connection with one each",
  ON_LINUX,
  async (context) => {
    const { clock, port, connectSilently } = await startHealth(context);
    for (let address = 1; address <= 8; address++) await connectSilently(`127.0.6.${address}`);
    // Its end shows that the port has accepted the strangers.
    await sendRequest(port, { path: "/healthz" }).catch(() => {});
    await clock.advance(101);
    assert.equal((await sendRequest(port, { path: "/healthz" })).status, 200);
  },
);

test("the health port answers probes while strangers hold every connection open", async (context) => {
  const { closed, port, connectSilently } = await startHealth(context);
  await Promise.all(Array.from({ length: 20 }, () => connectSilently("127.0.0.1")));
  for (const path of ["/healthz", "/readyz"]) assert.equal((await sendRequest(port, { path })).status, 200);
  assert.ok(closed.length >= 13);
});
