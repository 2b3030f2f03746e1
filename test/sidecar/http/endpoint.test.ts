// The credentials endpoint over real sockets; each test sets the state of store and renewals.
import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { ERRORS, type ErrorCode, type ErrorInfo } from "../../../src/protocol/errors.ts";
import { Secret } from "../../../src/runtime/secret.ts";
import { hashOf } from "../../../src/sidecar/authorization-tokens.ts";
import { createCredentialsEndpoint } from "../../../src/sidecar/http/endpoint.ts";
import { createTokenMatcher } from "../../../src/sidecar/http/match-token.ts";
import { credentialsReply } from "../../../src/sidecar/http/replies.ts";
import { isPermanent, type Renewal } from "../../../src/sidecar/renewal/outcome.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { createKeptLog } from "../../fakes/log.ts";
import { sendRequest } from "../send-request.ts";

const NOW = Date.parse("2026-01-01T00:00:00.999Z");

const CREDENTIALS = {
  accessKeyId: "ASIA1",
  secretAccessKey: new Secret("key/+="),
  sessionToken: new Secret("session"),
  roleArn: "arn:aws:iam::123456789012:role/app",
  accountId: "123456789012",
  issuedAtMs: 0,
  expiresAtMs: NOW,
  renewAtMs: 0,
};
const REPLY = credentialsReply(CREDENTIALS);

interface State {
  reply: typeof REPLY | undefined;
  refusal: (ErrorInfo & { readonly retryAfterMs: number }) | undefined;
  failure: ErrorInfo | undefined;
  nextInMs: number;
}

async function setUp(initial: Partial<State> = {}) {
  const clock = createFakeClock();
  const { log, lines } = createKeptLog();
  const state: State = { reply: undefined, refusal: undefined, failure: undefined, nextInMs: 400, ...initial };
  const listeners = new Set<(renewal: Renewal) => void>();
  const counted: string[] = [];
  let renewalsRequested = 0;
  let onRenewNow = () => {};
  const endpoint = createCredentialsEndpoint(
    {
      clock,
      log,
      store: {
        reply: (index) => (index === 0 ? state.reply : undefined),
        refusal: (index) => (index === 0 ? state.refusal : undefined),
      },
      renewals: {
        renewNow() {
          renewalsRequested++;
          onRenewNow();
        },
        failure: () => state.failure,
        nextInMs: () => state.nextInMs,
        onEnd(listener) {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
      },
      matchToken: createTokenMatcher({
        current: [new Secret("token-a"), new Secret("token-b")],
        earlier: [hashOf("token-before")],
      }),
      count: (code) => counted.push(code),
    },
    { port: 0, containers: ["app", "other"], holdMs: 900 },
  );
  const port = await endpoint.listen();
  return {
    clock,
    lines,
    state,
    port,
    counted,
    listeners,
    endpoint,
    renewalsRequested: () => renewalsRequested,
    /** Resolves when a request has requested a renewal and is held. */
    held: () =>
      new Promise<void>((resolve) => {
        onRenewNow = () => setImmediate(resolve);
      }),
    renewalEnds: () => listeners.forEach((listener) => listener({ outcome: "renewed" })),
  };
}

test("createCredentialsEndpoint() returns the container's credentials in the form that SDKs read", async () => {
  const { port, endpoint, counted } = await setUp({ reply: REPLY });
  const { status, headers, body, text } = await sendRequest(port, { token: "token-a" });
  assert.equal(status, 200);
  assert.deepEqual(body, {
    AccessKeyId: "ASIA1",
    SecretAccessKey: "key/+=",
    Token: "session",
    Expiration: "2026-01-01T00:00:00Z",
    AccountId: "123456789012",
    RoleArn: "arn:aws:iam::123456789012:role/app",
  });
  assert.equal(headers["content-type"], "application/json");
  assert.equal(headers["cache-control"], "no-store");
  assert.equal(headers["content-length"], String(Buffer.byteLength(text)));
  assert.deepEqual(counted, ["OK"]);
  await endpoint.close();
});

test("createCredentialsEndpoint() announces the bytes of a reply, not its characters", async () => {
  const reply = credentialsReply({ ...CREDENTIALS, sessionToken: new Secret("größer €") });
  const { port, endpoint } = await setUp({ reply });
  const { headers, body } = await sendRequest(port, { token: "token-a" });
  assert.equal(body["Token"], "größer €");
  assert.equal(headers["content-length"], String(Buffer.byteLength(reply.body)));
  await endpoint.close();
});

const HOSTS: readonly (readonly [what: string, headers: Readonly<Record<string, string>>, status: number])[] = [
  ["127.0.0.1 without a port", { host: "127.0.0.1" }, 200],
  ["127.0.0.1 with another port", { host: "127.0.0.1:80" }, 200],
  ["localhost", { host: "localhost:9763" }, 200],
  ["LOCALHOST", { host: "LOCALHOST" }, 200],
  ["[::1]", { host: "[::1]:9763" }, 200],
  ["a name", { host: "rebound.example:9763" }, 403],
  ["a name that begins with the address", { host: "127.0.0.1.rebound.example" }, 403],
  ["a name that ends with localhost", { host: "rebound.localhost" }, 403],
  ["the address of the instance metadata service", { host: "169.254.169.254" }, 403],
  ["another loopback address", { host: "127.0.0.2:9763" }, 403],
  ["X-Forwarded-For", { "x-forwarded-for": "203.0.113.7" }, 403],
  ["an empty X-Forwarded-For", { "x-forwarded-for": "" }, 403],
  ["Forwarded", { forwarded: "for=203.0.113.7" }, 403],
];

for (const [what, headers, status] of HOSTS) {
  test(`createCredentialsEndpoint() ${status === 200 ? "serves" : "refuses"} a request with ${what}`, async () => {
    const { port, endpoint, counted, lines } = await setUp({ reply: REPLY });
    for (const path of ["/v1/credentials", "/other"]) {
      const answer = await sendRequest(port, { token: "token-a", path, headers });
      const expected = status === 200 && path === "/other" ? 404 : status;
      assert.equal(answer.status, expected, path);
      if (status === 200) continue;
      assert.equal(answer.body["code"], "HOST_FORBIDDEN");
      assert.equal(answer.headers.connection, "close");
      assert.ok(!answer.text.includes("key/+="));
    }
    if (status !== 200) {
      assert.deepEqual(counted, ["HOST_FORBIDDEN", "HOST_FORBIDDEN"]);
      assert.equal(lines.filter(({ code }) => code === "HOST_FORBIDDEN").length, 1);
    }
    await endpoint.close();
  });
}

for (const [where, host] of [
  ["alone", "5PEvwL1BPBGPAo_hj58I1hp7r7uc3xUKclN_ei30kvg"],
  ["behind other text", "127.0.0.1on: 5PEvwL1BPBGPAo_hj58I1hp7r7uc3xUKclN_ei30kvg"],
] as const) {
  test(`createCredentialsEndpoint() repeats no token that a client sends as its Host ${where}`, async (context) => {
    const { port, endpoint, lines } = await setUp({ reply: REPLY });
    context.after(() => endpoint.close());
    const answer = await sendRequest(port, { headers: { host } });
    assert.equal(answer.body["code"], "HOST_FORBIDDEN");
    assert.ok(!answer.text.includes("5PEv") && !JSON.stringify(lines).includes("5PEv"));
  });
}

test("createCredentialsEndpoint() refuses a request of HTTP/1.0 without a Host", async () => {
  const { port, endpoint } = await setUp({ reply: REPLY });
  const socket = connect(port, "127.0.0.1");
  socket.write("GET /v1/credentials HTTP/1.0\r\nAuthorization: token-a\r\n\r\n");
  let text = "";
  for await (const chunk of socket.setEncoding("utf8")) text += chunk;
  assert.match(text, /^HTTP\/1\.1 403 .*"code":"HOST_FORBIDDEN"/s);
  await endpoint.close();
});

test("createCredentialsEndpoint() answers on ::1 too, and accepts a query string and HEAD", async () => {
  const { port, endpoint } = await setUp({ reply: REPLY });
  assert.equal((await sendRequest(port, { token: "token-a", host: "::1" })).status, 200);
  assert.equal((await sendRequest(port, { token: "token-a", path: "/v1/credentials?from=sdk" })).status, 200);
  const head = await sendRequest(port, { token: "token-a", method: "HEAD" });
  assert.deepEqual([head.status, head.text, head.headers["content-length"]], [200, "", String(REPLY.body.length)]);
  await endpoint.close();
});

const CALLERS: readonly (readonly [ErrorCode, Parameters<typeof sendRequest>[1]])[] = [
  ["TOKEN_MISSING", {}],
  ["TOKEN_MISSING", { token: "" }],
  ["TOKEN_MISMATCH", { token: "token-c" }],
  ["TOKEN_MISMATCH", { token: "Bearer token-a" }],
  ["TOKEN_REPLACED", { token: "token-before" }],
  ["PATH_UNKNOWN", { token: "token-a", path: "/" }],
  ["PATH_UNKNOWN", { token: "token-a", path: "/v1/credentials/" }],
  ["PATH_UNKNOWN", { token: "token-a", path: "/latest/meta-data/" }],
  ["METHOD_UNKNOWN", { token: "token-a", method: "POST" }],
  ["METHOD_UNKNOWN", { token: "token-a", method: "DELETE" }],
];

for (const [code, options] of CALLERS) {
  test(`createCredentialsEndpoint() refuses ${JSON.stringify(options)} with ${code}`, async () => {
    const { port, endpoint, counted } = await setUp({ reply: REPLY });
    const { status, headers, body } = await sendRequest(port, options);
    assert.equal(status, ERRORS[code].http);
    assert.equal(headers["content-type"], "application/json");
    assert.deepEqual([body["code"], body["Code"]], [code, code]);
    assert.equal(body["message"], body["Message"]);
    assert.equal(headers.allow, code === "METHOD_UNKNOWN" ? "GET, HEAD" : undefined);
    assert.equal(headers["retry-after"], ERRORS[code].retry ? "1" : undefined);
    assert.deepEqual(counted, [code]);
    await endpoint.close();
  });
}

for (const code of Object.keys(ERRORS) as ErrorCode[]) {
  if (!isPermanent({ code })) continue;
  test(`createCredentialsEndpoint() answers ${code} at once, with the container's reason`, async () => {
    const { port, endpoint } = await setUp({ refusal: { code, message: `Cannot: ${code}`, retryAfterMs: 0 } });
    const { status, body, headers } = await sendRequest(port, { token: "token-a" });
    assert.deepEqual([status, body["code"], body["message"]], [ERRORS[code].http, code, `Cannot: ${code}`]);
    assert.equal(headers["retry-after"], undefined);
    await endpoint.close();
  });
}

for (const code of Object.keys(ERRORS) as ErrorCode[]) {
  if (isPermanent({ code })) continue;
  test(`createCredentialsEndpoint() holds a request for 900 ms before it answers ${code}`, async () => {
    const { port, endpoint, clock, held, counted } = await setUp({ failure: { code, message: `Cannot: ${code}` } });
    const waits = held();
    const answer = sendRequest(port, { token: "token-a" });
    await waits;
    await clock.advance(899);
    assert.deepEqual(counted, []);
    await clock.advance(1);
    const { status, body, headers } = await answer;
    assert.deepEqual([status, body["code"]], [ERRORS[code].http, code]);
    assert.equal(headers["retry-after"], ERRORS[code].http === 503 ? "1" : undefined);
    await endpoint.close();
  });
}

test("createCredentialsEndpoint() answers NOT_READY when nothing was granted or refused yet", async () => {
  const { port, endpoint, clock, held } = await setUp({ nextInMs: 60_000 });
  const waits = held();
  const answer = sendRequest(port, { token: "token-b" });
  await waits;
  await clock.advance(900);
  const { status, body, headers } = await answer;
  assert.deepEqual([status, body["code"], headers["retry-after"]], [503, "NOT_READY", "10"]);
  await endpoint.close();
});

test("createCredentialsEndpoint() answers a held request as soon as the renewal brings credentials", async () => {
  const { port, endpoint, clock, held, state, renewalEnds, listeners, renewalsRequested } = await setUp();
  const waits = held();
  const answer = sendRequest(port, { token: "token-a" });
  await waits;
  renewalEnds();
  assert.equal(renewalsRequested(), 2, "a renewal without credentials is followed by another");
  await clock.advance(500);
  state.reply = REPLY;
  renewalEnds();
  assert.equal((await answer).status, 200);
  assert.equal(listeners.size, 0);
  await endpoint.close();
});

test("createCredentialsEndpoint() answers a held request as soon as its refusal is permanent", async () => {
  const { port, endpoint, held, state, renewalEnds } = await setUp();
  const waits = held();
  const answer = sendRequest(port, { token: "token-a" });
  await waits;
  state.refusal = { code: "ROLE_FORBIDDEN", message: "Cannot", retryAfterMs: 0 };
  renewalEnds();
  assert.equal((await answer).status, 403);
  await endpoint.close();
});

test("createCredentialsEndpoint() never returns one container's credentials to another", async () => {
  const { port, endpoint, clock, held } = await setUp({ reply: REPLY });
  const waits = held();
  const answer = sendRequest(port, { token: "token-b" });
  await waits;
  await clock.advance(900);
  assert.equal((await answer).status, 503);
  await endpoint.close();
});

test("createCredentialsEndpoint() drops a held request whose caller has disconnected", async () => {
  const { port, endpoint, held, listeners, counted, clock } = await setUp();
  const waits = held();
  const socket = connect(port, "127.0.0.1");
  socket.write("GET /v1/credentials HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: token-a\r\n\r\n");
  await waits;
  assert.equal(listeners.size, 1);
  socket.destroy();
  while (listeners.size > 0) await new Promise((resolve) => setImmediate(resolve));
  await clock.advance(900);
  assert.deepEqual(counted, []);
  await endpoint.close();
});

test("createCredentialsEndpoint() logs refused requests once per minute and code", async () => {
  const { port, endpoint, lines, clock } = await setUp();
  for (let round = 0; round < 3; round++) {
    await sendRequest(port);
    await sendRequest(port, { token: "wrong" });
  }
  await clock.advance(60_000);
  await sendRequest(port);
  assert.deepEqual(
    lines.map(({ code }) => code),
    ["TOKEN_MISSING", "TOKEN_MISMATCH", "TOKEN_MISSING"],
  );
  assert.ok(!JSON.stringify(lines).includes("wrong"), "the log contains no header");
  await endpoint.close();
});

test("createCredentialsEndpoint() refuses headers above 8 KiB and serves the next request", async () => {
  const { port, endpoint } = await setUp({ reply: REPLY });
  assert.equal((await sendRequest(port, { token: "token-a", headers: { "X-Large": "x".repeat(9_000) } })).status, 431);
  assert.equal((await sendRequest(port, { token: "token-a" })).status, 200);
  await endpoint.close();
});

test("close() answers held requests", async () => {
  const { port, endpoint, held } = await setUp();
  const waits = held();
  const answer = sendRequest(port, { token: "token-a" });
  await waits;
  await endpoint.close();
  assert.equal((await answer).status, 503);
  await assert.rejects(sendRequest(port), { code: "ECONNREFUSED" });
});

test("listen() rejects with PORT_TAKEN when another container uses the port", async () => {
  const { port, endpoint } = await setUp();
  const second = createCredentialsEndpoint({} as Parameters<typeof createCredentialsEndpoint>[0], {
    port,
    containers: [],
    holdMs: 0,
  });
  await assert.rejects(second.listen(), { code: "PORT_TAKEN", message: new RegExp(`port ${port}: another container`) });
  await endpoint.close();
});
