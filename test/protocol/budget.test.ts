// How much callers can make the gRPC ports hold (connections, streams, bytes), over real sockets and TLS with small
// limits.
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectHttp2, type OutgoingHttpHeaders } from "node:http2";
import { connect } from "node:net";
import { type TestContext, test } from "node:test";
import { connect as connectTls } from "node:tls";
import { until } from "../../emulators/until.ts";
import { createAuthority } from "../../src/pki/certificate.ts";
import { podIdentityOf } from "../../src/pki/identity.ts";
import { createCallsInFlight } from "../../src/protocol/calls-in-flight.ts";
import { getCredentials, requestCertificate } from "../../src/protocol/client.ts";
import type { PodroleError } from "../../src/protocol/errors.ts";
import { CredentialsService, IdentityService } from "../../src/protocol/generated/podrole/v1/podrole.ts";
import { createListener, IDENTITY_LIMITS, unary } from "../../src/protocol/listener.ts";
import type { BudgetLimits, CloseReason } from "../../src/runtime/budget.ts";
import { HOUR_MS } from "../../src/runtime/clock.ts";
import { Secret } from "../../src/runtime/secret.ts";
import { createFakeClock } from "../fakes/clock.ts";
import { newLeaf } from "../pki/samples.ts";
import { hasPingAck, openAndReset, PING, PREFACE } from "./h2-frames.ts";

const LIMITS: BudgetLimits = { ...IDENTITY_LIMITS, connections: 6, requests: 6 };
const PROOF = { token: new Secret("token"), csr: Buffer.from("csr"), bundleHash: "" };
const METHOD = "/podrole.v1.Identity/IssueCertificate";
const NAME = "podrole-server";

/** Both ports; `answer` handles every call. */
async function start(
  context: TestContext,
  service: "identity" | "credentials",
  answer: (signal: AbortSignal) => Promise<void> = async () => {},
  limits: BudgetLimits = LIMITS,
) {
  const authority = createAuthority({ commonName: "CA", now: Date.now(), lifetimeMs: HOUR_MS });
  const pem = authority.certificatePem;
  const serving = newLeaf(authority, { kind: "serving", dnsNames: [NAME], ipAddresses: [] }, Date.now());
  const clock = createFakeClock();
  const closed: CloseReason[] = [];
  const failures: PodroleError[] = [];
  const inFlight = createCallsInFlight({}, { max: 2 });
  const issue = unary(
    async (_request: unknown, _peer, signal) => {
      await answer(signal);
      return { certificate: "certificate", bundle: "", grants: [] };
    },
    () => {},
  );
  const credentials = unary(
    async (_request: unknown, _peer, signal) => {
      await answer(signal);
      return { grants: [], bundle: "" };
    },
    (error) => failures.push(error),
    inFlight,
  );
  const served =
    service === "identity"
      ? { service: IdentityService, implementation: { issueCertificate: issue } }
      : { service: CredentialsService, implementation: { getCredentials: credentials } };
  const listener = createListener(
    {
      clock,
      ...served,
      onClose: (reason) => closed.push(reason),
      callerOf(certificate) {
        const identity = podIdentityOf(certificate, "cluster.local");
        return "uid" in identity ? identity.uid : undefined;
      },
    },
    {
      address: { host: "127.0.0.1", port: 0 },
      tls: {
        current: () => ({ certificatePem: serving.pem, privateKey: serving.key, clientBundlePem: pem }),
        onChange: () => () => {},
      },
      requireClientCertificate: service === "credentials",
      graceMs: 100,
      limits,
    },
  );
  const port = await listener.listen();
  context.after(async () => {
    const ended = listener.close();
    await clock.advance(100);
    await ended;
  });

  const endpoint = { address: `127.0.0.1:${port}`, serverName: NAME, bundlePem: pem };
  const podOf = (uid: string) => {
    const uri = `spiffe://cluster.local/ns/team/sa/app/pod/web/${uid}`;
    const { pem: certificatePem, key: privateKey } = newLeaf(authority, { kind: "pod", uri }, Date.now());
    return { certificatePem, privateKey };
  };

  /** One HTTP/2 connection of a client that ignores every limit; with a certificate on the credentials port. */
  async function session(uid = "hog") {
    const pod = podOf(uid);
    const client = connectHttp2(`https://127.0.0.1:${port}`, {
      ca: pem,
      servername: NAME,
      ...(service === "credentials" && { cert: pod.certificatePem, key: pod.privateKey.reveal() }),
    });
    client.on("error", () => {});
    context.after(() => client.destroy());
    await once(client, "connect");
    const request = (extra: OutgoingHttpHeaders = {}) => {
      const headers = { ":method": "POST", ":path": METHOD, "content-type": "application/grpc", te: "trailers" };
      return client.request({ ...headers, ...extra }).on("error", () => {});
    };
    return { client, request };
  }

  /** Sends frames and a PING; resolves with whether the server acknowledges it or closes the connection. */
  async function answerTo(frames: Buffer): Promise<"acknowledged" | "closed"> {
    const pod = podOf("hog");
    const socket = connectTls({
      port,
      ca: pem,
      servername: NAME,
      ALPNProtocols: ["h2"],
      ...(service === "credentials" && { cert: pod.certificatePem, key: pod.privateKey.reveal() }),
    });
    context.after(() => socket.destroy());
    socket.on("error", () => {}).write(Buffer.concat([PREFACE, frames, PING]));
    return new Promise((resolve) => {
      let received = Buffer.alloc(0);
      socket.once("close", () => resolve("closed"));
      socket.on("data", (bytes: Buffer) => {
        received = Buffer.concat([received, bytes]);
        if (hasPingAck(received)) resolve("acknowledged");
      });
    });
  }

  return {
    clock,
    closed,
    failures,
    answerTo,
    port,
    listener,
    session,
    call: () => requestCertificate(endpoint, PROOF, 5_000),
    callAs: (uid: string) => getCredentials(endpoint, podOf(uid), { containers: ["app"], bundleHash: "" }, 5_000),
  };
}

test("the identity port serves a caller while strangers behind the same address hold every connection", async (context) => {
  const { port, call, closed, listener } = await start(context, "identity");
  const strangers = Array.from({ length: 20 }, () => connect(port, "127.0.0.1").on("error", () => {}));
  context.after(() => strangers.map((socket) => socket.destroy()));
  await Promise.all(strangers.map((socket) => once(socket, "connect")));
  assert.equal((await call()).certificate, "certificate");
  assert.ok(closed.length >= 15);
  assert.ok(listener.connections().open <= LIMITS.connections);
});

test("the identity port ends streams beyond the limit of one connection and beyond that of all connections, and serves a caller beside them", async (context) => {
  const { session, call, closed } = await start(context, "identity");
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
    const { answerTo, closed, call, callAs } = await start(context, service);
    assert.equal(await answerTo(openAndReset(METHOD, 16)), "acknowledged");
    assert.deepEqual(closed, []);
    assert.equal(await answerTo(openAndReset(METHOD, 1_000)), "closed");
    assert.deepEqual(closed, ["requests"]);
    await (service === "identity" ? call() : callAs("honest"));
  });
}

test("the identity port ends a call without a message after its time, and a connection without TLS or calls", async (context) => {
  const { session, port, clock, closed, call } = await start(context, "identity");
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
  const { call, clock, closed, session } = await start(context, "identity", (signal) => {
    signals.push(signal);
    return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
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
  const { session } = await start(context, "identity", async () => void called++);
  const { request } = await session();
  const statusOf = async (stream: ReturnType<typeof request>, length: number) => {
    const answered = once(stream, "response");
    const size = Buffer.alloc(5);
    size.writeUInt32BE(length, 1);
    stream.end(Buffer.concat([size, Buffer.alloc(length)]));
    const [headers] = (await answered) as [Readonly<Record<string, string>>];
    return headers["grpc-status"];
  };
  request({ "x-large": "a".repeat(9_000) }).end(Buffer.alloc(5));
  request({ "set-cookie": Array.from({ length: 7 }, () => "a".repeat(6_000)) }).end(Buffer.alloc(5));
  assert.equal(await statusOf(request(), 16 * 1024 + 1), "8");
  assert.equal(called, 0);
  await statusOf(request(), 0);
  assert.equal(called, 1);
});

test("the credentials port counts by pod: one pod with every connection does not keep another pod out", async (context) => {
  const { session, callAs, closed } = await start(context, "credentials");
  for (let index = 0; index < LIMITS.connections + 4; index++) {
    const { request } = await session("hog");
    request();
  }
  await until(() => closed.length >= 4);
  await callAs("honest");
  assert.ok(closed.every((reason) => reason === "connections" || reason === "requests"));
});

test("the credentials port answers a call beyond those in flight with SERVER_OVERLOADED and a time to retry", async (context) => {
  const running: (() => void)[] = [];
  const { callAs, failures } = await start(
    context,
    "credentials",
    () => new Promise((resolve) => running.push(resolve)),
  );
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
  const { session, failures, callAs } = await start(context, "credentials", async (signal) => {
    signals.push(signal);
    if (signals.length > 1) return;
    await once(signal, "abort");
    throw new TypeError("nobody waits for this");
  });
  const { client, request } = await session();
  request({ ":path": "/podrole.v1.Credentials/GetCredentials" }).end(Buffer.alloc(5));
  await until(() => signals.length === 1);
  client.destroy();
  await until(() => signals[0]?.aborted === true);
  await callAs("another");
  assert.deepEqual(failures, []);
});

test("the credentials port closes connections beyond those in the handshake before TLS, and finishes the others", async (context) => {
  const limits = { ...LIMITS, connections: 20, handshakes: 3 };
  const { port, closed, callAs } = await start(context, "credentials", async () => {}, limits);
  const silent = ["127.0.0.2", "127.0.0.3", "127.0.0.4"].map((localAddress) => {
    return connect({ port, host: "127.0.0.1", localAddress }).on("error", () => {});
  });
  context.after(() => silent.map((socket) => socket.destroy()));
  await Promise.all(silent.map((socket) => once(socket, "connect")));
  await assert.rejects(callAs("late"), { code: "SERVER_UNREACHABLE", wasDropped: false });
  assert.deepEqual(closed, ["handshakes"]);
  assert.ok(silent.every((socket) => !socket.destroyed));
  silent[0]?.destroy();
  await until(() => silent[0]?.closed === true);
  await callAs("later");
});
