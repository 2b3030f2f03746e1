// A budget on a real HTTP server: what Node's events become, and what a connection that breaks the rules still costs.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { type TestContext, test } from "node:test";
import { until } from "../../emulators/until.ts";
import { type CloseReason, createBudget } from "../../src/runtime/budget.ts";
import { addressOf, type CallerRules, limitHttp, nodeTimeouts } from "../../src/runtime/budget-http.ts";
import { createFakeClock } from "../fakes/clock.ts";
import { listenOnLoopback } from "../loopback.ts";
import { SMALL_LIMITS } from "./small-limits.ts";

const LIMITS = SMALL_LIMITS;

async function start(context: TestContext, callers: CallerRules = {}) {
  const clock = createFakeClock();
  const closed: CloseReason[] = [];
  const seen: IncomingMessage[] = [];
  const budget = createBudget({ clock, onClose: (reason) => closed.push(reason) }, LIMITS);
  const server = createServer(nodeTimeouts(LIMITS), (request, response) => {
    seen.push(request);
    const limited = requests.begin(request, response);
    request.on("data", (chunk: Buffer) => limited?.receive(chunk.length));
    if (request.url !== "/held") request.on("end", () => response.end("done"));
  });
  const requests = limitHttp(server, budget, callers);
  const port = await listenOnLoopback(context, server);
  const open = async (text: string) => {
    const socket = connect(port, "127.0.0.1").on("error", () => {});
    await once(socket, "connect");
    socket.write(text);
    return socket;
  };
  return { clock, budget, closed, seen, open };
}

test("limitHttp() closes a pipelining connection at its second request, and Node makes no object of the others", async (context) => {
  const { open, seen, closed } = await start(context);
  const socket = await open("GET /held HTTP/1.1\r\nHost: a\r\n\r\n".repeat(1_000));
  await once(socket, "close");
  assert.deepEqual([seen.length, closed], [2, ["requests"]]);
});

test("limitHttp() counts connections, requests and bytes until they end", async (context) => {
  const { open, budget, closed } = await start(context);
  const socket = await open("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf");
  await until(() => budget.held().bytes === 4);
  assert.deepEqual(budget.held(), { connections: 1, bytes: 4, requests: 1 });
  socket.write("second");
  await once(socket, "data");
  await until(() => budget.held().requests === 0);
  assert.deepEqual(budget.held(), { connections: 1, bytes: 0, requests: 0 });
  socket.destroy();
  await until(() => budget.held().connections === 0);
  assert.deepEqual(closed, []);
});

test("limitHttp() closes a connection whose body does not end in time, and one whose response does not", async (context) => {
  const { open, clock, closed, budget } = await start(context);
  const sockets = [
    await open("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf"),
    await open("GET /held HTTP/1.1\r\nHost: a\r\n\r\n"),
  ];
  const ended = sockets.map((socket) => once(socket, "close"));
  await until(() => budget.held().requests === 2);
  await clock.advance(LIMITS.callMs + LIMITS.sweepMs);
  await Promise.all(ended);
  assert.deepEqual(closed.toSorted(), ["body", "call"]);
});

test("limitHttp() counts a request for the caller that it names, and others for the address", async (context) => {
  const { open, closed } = await start(context, {
    ofRequest: ({ headers }) => (headers["authorization"] === undefined ? undefined : "proven"),
  });
  const proven = await open("GET /a HTTP/1.1\r\nHost: a\r\nAuthorization: x\r\n\r\n");
  await once(proven, "data");
  const strangers = [];
  for (let index = 0; index < 4; index++) {
    strangers.push(await open("GET /a HTTP/1.1\r\nHost: a\r\n\r\n"));
    await once(strangers.at(-1) ?? proven, "data");
  }
  assert.deepEqual([closed, proven.destroyed], [["connections"], false]);
  for (const socket of [proven, ...strangers]) socket.destroy();
});

test("addressOf() returns one form of an IPv4 address, and other addresses unchanged", () => {
  const of = (remoteAddress: string) => addressOf({ remoteAddress });
  assert.deepEqual(["::ffff:10.0.0.1", "10.0.0.1", "fd00::1"].map(of), ["10.0.0.1", "10.0.0.1", "fd00::1"]);
});
