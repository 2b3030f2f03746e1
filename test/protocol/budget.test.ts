// How much callers can make the gRPC ports hold (connections, streams, bytes), over real sockets and TLS with small
// limits.
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { connect as connectTls } from "node:tls";
import { until } from "../../emulators/until.ts";
import type { PodroleError } from "../../src/protocol/errors.ts";
import { HOUR_MS } from "../../src/runtime/clock.ts";
import { ON_LINUX } from "../on-linux.ts";
import { expensiveChain } from "../pki/expensive-chain.ts";
import { caConstraints, newKey, oddCertificate } from "../pki/samples.ts";
import { openAndReset } from "./h2-frames.ts";
import { CREDENTIALS_METHOD, LIMITS, METHOD, startLimitedPort } from "./limited-port.ts";
import { recordGreeting } from "./recorded-greeting.ts";

test("the identity port serves a caller while strangers behind the same address hold every connection", async (context) => {
  const { port, call, closed, listener } = await startLimitedPort(context, "identity");
  const strangers = Array.from({ length: 20 }, () => connect(port, "127.0.0.1").on("error", () => {}));
  context.after(() => strangers.map((socket) => socket.destroy()));
  await Promise.all(strangers.map((socket) => once(socket, "connect")));
  assert.equal((await call()).certificate, "certificate");
  assert.ok(closed.length >= 15);
  assert.ok(listener.connections().open <= LIMITS.connections);
});

test("the identity port ends streams beyond the limit of one connection and beyond that of all connections, and serves a caller beside them", async (context) => {
  const { session, call, closed } = await startLimitedPort(context, "identity");
  for (let index = 0; index < 3; index++) {
    const { request } = await session();
    const streams = Array.from({ length: 20 }, () => request());
    await until(() => streams.filter(({ closed: ended }) => ended).length >= 16);
  }
  assert.equal((await call()).certificate, "certificate");
  assert.ok(closed.length > 0 && closed.every((reason) => reason === "requests"));
});

for (const service of ["identity", "credentials"] as const) {
  test(`createListener() closes a connection of the ${service} port that opens more than 16 streams, also if it resets each at once`, async (context) => {
    const { answerTo, closed, call, callAs } = await startLimitedPort(context, service);
    // The port may refuse some of these calls before it learns that the others are reset.
    assert.equal(await answerTo(openAndReset(METHOD, 16)), "acknowledged");
    assert.equal(await answerTo(openAndReset(METHOD, 1_000)), "closed");
    assert.deepEqual([...new Set(closed)], ["requests"]);
    await (service === "identity" ? call() : callAs("honest"));
  });
}

test("the identity port ends a call without a message after its time, and a connection without TLS or calls", async (context) => {
  const { session, port, clock, closed, call } = await startLimitedPort(context, "identity");
  const silent = connect(port, "127.0.0.1").on("error", () => {});
  await once(silent, "connect");
  const { request } = await session();
  const stream = request();
  await until(() => stream.id !== undefined);
  await call();
  const ended = [once(stream, "close"), once(silent, "close")];
  await clock.advance(LIMITS.headersMs + LIMITS.sweepMs);
  await Promise.all(ended);
  assert.deepEqual(closed.toSorted(), ["body", "headers"]);
});

test("the identity port aborts the signal of a call when its time is over, and when the client leaves", async (context) => {
  const signals: AbortSignal[] = [];
  const { call, clock, closed, session } = await startLimitedPort(context, "identity", {
    answer(signal) {
      signals.push(signal);
      return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
    },
  });
  const overdue = assert.rejects(call(), { code: "SERVER_UNREACHABLE" });
  await until(() => signals.length === 1);
  await clock.advance(LIMITS.callMs + LIMITS.sweepMs);
  await overdue;
  assert.deepEqual([signals[0]?.aborted, closed], [true, ["call"]]);

  const { client, request } = await session();
  const emptyMessage = Buffer.alloc(5);
  request().end(emptyMessage);
  await until(() => signals.length === 2);
  client.destroy();
  await until(() => signals[1]?.aborted === true);
});

test("the identity port takes no call with more than 8 KiB of headers or 16 KiB of message", async (context) => {
  let called = 0;
  const { session } = await startLimitedPort(context, "identity", { answer: async () => void called++ });
  const { request } = await session();
  const statusOf = async (stream: ReturnType<typeof request>, length: number) => {
    const answered = once(stream, "response");
    const size = Buffer.alloc(5);
    size.writeUInt32BE(length, 1);
    stream.end(Buffer.concat([size, Buffer.alloc(length)]));
    const [headers] = (await answered) as [Readonly<Record<string, string>>];
    return headers["grpc-status"];
  };
  const large = { "x-large": "a".repeat(9_000) };
  for (const headers of [large, { "set-cookie": Array.from({ length: 7 }, () => "a".repeat(6_000)) }]) {
    const stream = request(headers);
    stream.end(Buffer.alloc(5));
    await until(() => stream.closed);
  }
  assert.equal(await statusOf(request(), 16 * 1024 + 1), "8");
  assert.equal(called, 0);
  await statusOf(request(), 0);
  assert.equal(called, 1);
});

for (const [what, headers] of [
  ["has too many headers", { "x-large": "a".repeat(9_000) }],
  ["has another content type and too many headers", { "content-type": "text/plain", "x-large": "a".repeat(9_000) }],
] as const) {
  test(`the identity port survives a call of an unknown method that ${what}`, async (context) => {
    const { session, call } = await startLimitedPort(context, "identity");
    const { request } = await session();
    const stream = request({ ":path": "/podrole.v1.Identity/Unknown", ...headers });
    stream.end(Buffer.alloc(5));
    await until(() => stream.closed);
    assert.equal((await call()).certificate, "certificate");
  });
}

test("the credentials port counts by pod: one pod with every connection does not keep another pod out", async (context) => {
  const { session, callAs, closed } = await startLimitedPort(context, "credentials");
  for (let index = 0; index < LIMITS.connections + 4; index++) {
    const { request } = await session("hog");
    request();
  }
  await until(() => closed.length >= 4);
  await callAs("honest");
  assert.ok(closed.every((reason) => reason === "connections" || reason === "requests"));
});

for (const service of ["credentials", "identity"] as const) {
  test(
    `createListener() serves a pod of the ${service} port while many pods of a namespace keep an answer each unread`,
    ON_LINUX,
    async (context) => {
      const connections = 16;
      let answered = 0;
      const { session, callAs, call, closed, listener } = await startLimitedPort(context, service, {
        bundle: "b".repeat(1_000),
        answer: async () => void (answered += 1),
        limits: { ...LIMITS, connections, requests: connections },
        addressPerPod: true,
      });
      const { length } = closed;
      for (let index = 0; index < connections; index++) {
        const { request } = await session(`pod-${index}`, { initialWindowSize: 0 });
        request({ ":path": service === "identity" ? METHOD : CREDENTIALS_METHOD }).end(Buffer.alloc(5));
        await until(() => answered === index + 1);
      }
      assert.deepEqual([listener.connections().open, closed.slice(length)], [connections, []]);
      await (service === "identity" ? call() : callAs("honest"));
      assert.deepEqual(closed.slice(length), ["connections"]);
    },
  );
}

test("the credentials port answers a call beyond those in flight with SERVER_OVERLOADED and a time to retry", async (context) => {
  const running: (() => void)[] = [];
  const { callAs, failures } = await startLimitedPort(context, "credentials", {
    answer: () => new Promise((resolve) => running.push(resolve)),
  });
  const served = [callAs("one"), callAs("two")];
  await until(() => running.length === 2);
  await assert.rejects(callAs("three"), (error: PodroleError) => {
    assert.equal(error.code, "SERVER_OVERLOADED");
    assert.ok(Number(error.retryAfterMs) >= 2_000);
    return true;
  });
  assert.equal(running.length, 2, "no work was begun for it");
  for (const resolve of running) resolve();
  await Promise.all(served);
  assert.deepEqual(failures, []);
});

test("the credentials port reports no failure of a call whose client has left", async (context) => {
  const signals: AbortSignal[] = [];
  const { session, failures, callAs } = await startLimitedPort(context, "credentials", {
    async answer(signal) {
      signals.push(signal);
      if (signals.length > 1) return;
      await once(signal, "abort");
      throw new TypeError("nobody waits for this");
    },
  });
  const { client, request } = await session();
  request({ ":path": "/podrole.v1.Credentials/GetCredentials" }).end(Buffer.alloc(5));
  await until(() => signals.length === 1);
  client.destroy();
  await until(() => signals[0]?.aborted === true);
  await callAs("another");
  assert.deepEqual(failures, []);
});

test(
  "the credentials port closes connections beyond those in the handshake before TLS, and finishes the others",
  ON_LINUX,
  async (context) => {
    const limits = { ...LIMITS, connections: 20, handshakes: 3 };
    const { port, closed, callAs } = await startLimitedPort(context, "credentials", { limits });
    const greeting = await recordGreeting("X25519");
    const others = ["127.0.0.2", "127.0.0.3", "127.0.0.4"].map((localAddress) => {
      return connect({ port, host: "127.0.0.1", localAddress }).on("error", () => {});
    });
    context.after(() => others.map((socket) => socket.destroy()));
    for (const socket of others) socket.write(greeting);
    await Promise.all(others.map((socket) => once(socket, "data")));
    await assert.rejects(callAs("late"), { code: "SERVER_OVERLOADED" });
    assert.deepEqual(closed, ["handshakes"]);
    assert.ok(others.every((socket) => !socket.destroyed));
    others[0]?.destroy();
    await until(() => others[0]?.closed === true);
    await callAs("later");
  },
);

test(
  "the credentials port closes connections without a handshake, each from an address of its own, before it refuses a pod",
  ON_LINUX,
  async (context) => {
    const limits = { ...LIMITS, connections: 20, handshakes: 3 };
    const { port, closed, callAs } = await startLimitedPort(context, "credentials", { limits });
    for (let host = 2; host < 8; host++) {
      const silent = connect({ port, host: "127.0.0.1", localAddress: `127.0.0.${host}` }).on("error", () => {});
      context.after(() => silent.destroy());
      await once(silent, "connect");
    }
    await callAs("honest");
    assert.deepEqual([...new Set(closed)], ["handshakes"]);
  },
);

test("the credentials port closes the connection of a client that presents a long chain of certificates, before it verifies them", async (context) => {
  const { port, closed, callAs } = await startLimitedPort(context, "credentials");
  const options = { port, ALPNProtocols: ["h2"], rejectUnauthorized: false, ...expensiveChain(8) };
  const stranger = connectTls(options).on("error", () => {});
  context.after(() => stranger.destroy());
  await once(stranger, "close");
  assert.deepEqual(closed, ["handshakes"]);
  await callAs("honest");
});

test("the credentials port serves pods of an operator's CA with an RSA key at once, while a step for a long chain rests", async (context) => {
  const key = newKey("rsa");
  const own = { name: "corp-ca", key, extensions: [caConstraints()], notBefore: Date.now() - HOUR_MS };
  const authority = { certificatePem: oddCertificate(own), key };
  const { port, callAs } = await startLimitedPort(context, "credentials", { authority });
  // An address that has proved something owes nothing, however much CPU time the stranger's handshake takes.
  await callAs("known");
  const options = { port, ALPNProtocols: ["h2"], rejectUnauthorized: false, ...expensiveChain(3) };
  const stranger = connectTls(options).on("error", () => {});
  context.after(() => stranger.destroy());
  // Its certificates have passed, and the clock, which stands still, lets nothing else of that length pass.
  await once(stranger, "close");
  await callAs("honest");
});
