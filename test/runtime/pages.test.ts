// The pages over real sockets, with strangers beside the kubelet.
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect } from "node:net";
import { type TestContext, test } from "node:test";
import type { CloseReason } from "../../src/runtime/budget.ts";
import { createPages } from "../../src/runtime/pages.ts";
import { createFakeClock } from "../fakes/clock.ts";
import { SMALL_LIMITS } from "./small-limits.ts";

const LIMITS = { ...SMALL_LIMITS, connections: 8, requests: 8 };

async function start(context: TestContext) {
  const clock = createFakeClock();
  const closed: CloseReason[] = [];
  let exposed = 0;
  const pages = createPages(
    {
      clock,
      onClose: (reason) => closed.push(reason),
      exposeMetrics: async () => `exposed ${++exposed}\n`,
      unready: () => [],
    },
    { limits: LIMITS },
  );
  await pages.listen({ host: "127.0.0.1", port: 0 });
  context.after(() => pages.close());
  const { port } = pages.server.address() as AddressInfo;
  const get = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { headers: { connection: "close" } });
    return [answer.status, await answer.text()] as const;
  };
  return { clock, closed, port, get };
}

test("createPages(): liveness and readiness are answered while strangers hold every connection", async (context) => {
  const { port, get, closed } = await start(context);
  const strangers = Array.from({ length: 20 }, () => connect(port, "127.0.0.1").on("error", () => {}));
  context.after(() => strangers.map((socket) => socket.destroy()));
  await Promise.all(strangers.map((socket) => once(socket, "connect")));
  for (const path of ["/healthz", "/readyz"]) assert.equal((await get(path))[0], 200);
  assert.ok(closed.length >= 13);
});

test("createPages(): unfinished requests are closed after their time", async (context) => {
  const { port, clock, closed } = await start(context);
  const socket = connect(port, "127.0.0.1").on("error", () => {});
  await once(socket, "connect");
  socket.write("GET /metrics HTTP/1.1\r\nHo");
  const ended = once(socket, "close");
  await clock.advance(LIMITS.headersMs + LIMITS.sweepMs);
  await ended;
  assert.deepEqual(closed, ["headers"]);
});

test("createPages(): refuses other methods than GET without reading their body", async (context) => {
  const { port } = await start(context);
  const socket = connect(port, "127.0.0.1").on("error", () => {});
  const head = "Host: a\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n";
  socket.write(`POST /metrics HTTP/1.1\r\n${head}{`);
  let answer = "";
  for await (const chunk of socket.setEncoding("utf8")) answer += chunk;
  assert.match(answer, /^HTTP\/1\.1 405 .*^allow: GET, HEAD\r$/ims);
  assert.match(answer, /^connection: close\r$/im);
});

test("createPages(): answers a request with a body, and closes its connection without reading the body", async (context) => {
  const { port } = await start(context);
  const socket = connect(port, "127.0.0.1").on("error", () => {});
  socket.write("GET /healthz HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n \r\n");
  let answer = "";
  for await (const chunk of socket.setEncoding("utf8")) answer += chunk;
  assert.match(answer, /^HTTP\/1\.1 200 .*^connection: close\r$/ims);
});

test("/metrics exposes at most four times a second, however often it is requested", async (context) => {
  const { get, clock } = await start(context);
  for (let index = 0; index < 10; index++) assert.equal((await get("/metrics"))[1], "exposed 1\n");
  await clock.advance(250);
  assert.equal((await get("/metrics"))[1], "exposed 2\n");
});
