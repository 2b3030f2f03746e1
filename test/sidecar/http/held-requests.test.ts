// Held requests over real sockets; each test sets what store and renewals report.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type IncomingMessage, request } from "node:http";
import { type TestContext, test } from "node:test";
import type { ErrorCode, ErrorInfo } from "../../../src/protocol/errors.ts";
import { createChanges } from "../../../src/runtime/changes.ts";
import { createHeldRequests } from "../../../src/sidecar/http/held-requests.ts";
import { type CodedReply, textReply } from "../../../src/sidecar/http/replies.ts";
import type { Renewal } from "../../../src/sidecar/renewal/outcome.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { listenOnLoopback } from "../../loopback.ts";

const HOLD_MS = 900;
const GRANTED: CodedReply = { reply: textReply(200, "credentials"), code: "OK" };
const infoOf = (code: ErrorCode): ErrorInfo => ({ code, message: `Cannot: ${code}` });

async function setUp(t: TestContext) {
  const clock = createFakeClock();
  const ended = createChanges<Renewal>((error) => assert.fail(String(error)));
  const state: { refusal?: ErrorCode; failure?: ErrorCode; granted: boolean; nextInMs: number } = {
    granted: false,
    nextInMs: 0,
  };
  const codes: string[] = [];
  let requested = 0;
  const held = createHeldRequests(
    {
      clock,
      store: { refusal: () => state.refusal && { ...infoOf(state.refusal), retryAfterMs: 0 } },
      renewals: {
        renewNow: () => void requested++,
        failure: () => state.failure && infoOf(state.failure),
        nextInMs: () => state.nextInMs,
        onEnd: ended.onChange,
      },
      send(response, { reply, code }) {
        codes.push(code);
        response.writeHead(reply.status, [...reply.headers]).end(reply.body);
      },
    },
    { containers: ["app"], holdMs: HOLD_MS },
  );
  const dropped = Promise.withResolvers<void>();
  const server = createServer((_, response) => {
    response.once("close", dropped.resolve);
    held.hold(0, response, () => (state.granted ? GRANTED : undefined));
    server.emit("held");
  });
  const port = await listenOnLoopback(t, server);

  /** Sends a request, and resolves once it is held or answered. */
  async function send() {
    const outgoing = request({ port, agent: false }).end();
    const answered = once(outgoing, "response").then(async ([response]: IncomingMessage[]) => {
      const { statusCode, headers } = response as IncomingMessage;
      return { status: statusCode, retryAfter: headers["retry-after"], body: (await response?.toArray())?.join("") };
    });
    answered.catch(() => {});
    await once(server, "held");
    return { outgoing, answered };
  }

  return {
    ...{ clock, state, held, codes, send, dropped: dropped.promise },
    requested: () => requested,
    endRenewal: () => ended.emit({ outcome: "renewed" }),
  };
}

test("hold() requests a renewal and answers with credentials when it brings some", async (t) => {
  const { state, send, requested, endRenewal, codes } = await setUp(t);
  const { answered } = await send();
  assert.deepEqual([requested(), codes], [1, []]);
  state.granted = true;
  endRenewal();
  assert.deepEqual(await answered, { status: 200, retryAfter: undefined, body: "credentials" });
  endRenewal();
  assert.deepEqual(codes, ["OK"], "a later renewal answers nothing again");
});

test("hold() answers NOT_READY at the time limit when there is no other reason, and not before", async (t) => {
  const { clock, send, codes } = await setUp(t);
  const { answered } = await send();
  await clock.advance(HOLD_MS - 1);
  assert.deepEqual(codes, []);
  await clock.advance(1);
  const { status, retryAfter, body } = await answered;
  assert.deepEqual([status, retryAfter], [503, "1"]);
  assert.match(body ?? "", /"NOT_READY".*container \\"app\\"/);
});

test("hold() requests a further renewal when one ends without credentials, until the time limit", async (t) => {
  const { clock, state, send, requested, endRenewal } = await setUp(t);
  const { answered } = await send();
  state.failure = "SERVER_UNREACHABLE";
  endRenewal();
  endRenewal();
  assert.equal(requested(), 3);
  await clock.advance(HOLD_MS);
  assert.match((await answered).body ?? "", /SERVER_UNREACHABLE/);
});

test("hold() answers at once when the container's refusal is permanent", async (t) => {
  const { state, send, requested } = await setUp(t);
  state.refusal = "ROLE_FORBIDDEN";
  state.failure = "SERVER_UNREACHABLE";
  const { status, retryAfter, body } = await (await send()).answered;
  assert.deepEqual([status, retryAfter, requested()], [403, undefined, 1]);
  assert.match(body ?? "", /ROLE_FORBIDDEN/);
});

test("hold() answers when a renewal ends with a permanent refusal", async (t) => {
  const { state, send, endRenewal } = await setUp(t);
  const { answered } = await send();
  state.refusal = "ROLE_FORBIDDEN";
  endRenewal();
  assert.equal((await answered).status, 403);
});

for (const { nextInMs, seconds } of [
  { nextInMs: 0, seconds: "1" },
  { nextInMs: 2_001, seconds: "3" },
  { nextInMs: 60_000, seconds: "10" },
]) {
  test(`hold() answers Retry-After: ${seconds} when the next renewal is due in ${nextInMs} ms`, async (t) => {
    const { clock, state, send } = await setUp(t);
    const { answered } = await send();
    Object.assign(state, { refusal: "STS_THROTTLED", nextInMs });
    await clock.advance(HOLD_MS);
    const { status, retryAfter } = await answered;
    assert.deepEqual([status, retryAfter], [503, seconds]);
  });
}

test("hold() drops a request whose caller disconnects, and answers nothing at the time limit", async (t) => {
  const { clock, state, send, dropped, codes, endRenewal } = await setUp(t);
  const { outgoing } = await send();
  outgoing.destroy();
  await dropped;
  state.granted = true;
  endRenewal();
  await clock.advance(HOLD_MS);
  assert.deepEqual(codes, []);
});

test("releaseAll() answers every held request now", async (t) => {
  const { held, send, codes } = await setUp(t);
  const [first, second] = [await send(), await send()];
  held.releaseAll();
  assert.deepEqual([(await first.answered).status, (await second.answered).status], [503, 503]);
  assert.deepEqual(codes, ["NOT_READY", "NOT_READY"]);
});
