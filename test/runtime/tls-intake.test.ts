// A TLS server that requests client certificates, over real sockets, and clients that present more than they need.
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, connect as connectTcp, type Socket } from "node:net";
import { suite, type TestContext, test } from "node:test";
import { connect, createServer, type TLSSocket } from "node:tls";
import { until } from "../../emulators/until.ts";
import { type Authority, createAuthority } from "../../src/pki/certificate.ts";
import { garbageCollection } from "../../src/runtime/buffer-collector.ts";
import { HOUR_MS, systemClock } from "../../src/runtime/clock.ts";
import { limitIntake } from "../../src/runtime/tls-intake.ts";
import { createFakeClock } from "../fakes/clock.ts";
import { newLeaf, POD_SUBJECT } from "../pki/samples.ts";

const SENT_BYTES = 32 * 1024;
const LIMITS = { greetingBytes: 2_048, proofBytes: 1_400, handshakeBytes: 6_144 };

/** Where a client connects from, and which CA has issued its certificate. */
interface ClientOptions {
  readonly localAddress?: string;
  readonly issuer?: Authority;
}

/** An echo server, and clients that present `others` certificates beside their own. */
async function start(context: TestContext, clock = systemClock) {
  const newAuthority = () => createAuthority({ commonName: "CA", now: Date.now(), lifetimeMs: HOUR_MS });
  const authority = newAuthority();
  const ca = authority.certificatePem;
  const serving = newLeaf(authority, { kind: "serving", dnsNames: [], ipAddresses: ["127.0.0.1"] }, Date.now());
  const served: (string | undefined)[] = [];
  const errors: (string | undefined)[] = [];
  let surplus = 0;
  const server = createServer({
    ...{ cert: serving.pem, key: serving.key.reveal(), ca, requestCert: true, rejectUnauthorized: true },
    minVersion: "TLSv1.3",
  });
  const intake = limitIntake(server, { clock, onSurplus: () => surplus++ }, () => LIMITS);
  const accepted: Socket[] = [];
  server.on("connection", (socket) => accepted.push(socket));
  server.on("secureConnection", (socket) => {
    served.push(socket.remoteAddress);
    socket.on("error", () => {}).pipe(socket);
  });
  server.on("tlsClientError", ({ code }: NodeJS.ErrnoException) => errors.push(code));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  context.after(() => server.close());
  const openSockets = () => new Promise<number>((resolve) => server.getConnections((_error, count) => resolve(count)));

  function open(others: number, { localAddress, issuer = authority }: ClientOptions = {}): TLSSocket {
    const leaf = newLeaf(issuer, POD_SUBJECT, Date.now());
    const chain = Array.from({ length: others }, () => newAuthority().certificatePem);
    const credentials = { cert: [leaf.pem, ...chain].join(""), key: leaf.key.reveal() };
    const socket = connect({ port, host: "127.0.0.1", ca, ...credentials, ...(localAddress && { localAddress }) });
    context.after(() => socket.destroy());
    return socket.on("error", () => {});
  }

  /** Sends a text as soon as possible and resolves with what comes back: all of it, or less if the server closes. */
  async function echo(others: number, text: string): Promise<string> {
    const socket = open(others);
    socket.write(text);
    let answer = "";
    await new Promise<void>((resolve) => {
      socket.setEncoding("utf8").on("data", (chunk: string) => {
        answer += chunk;
        if (answer.length >= text.length) socket.end();
      });
      socket.once("close", () => resolve());
    });
    return answer;
  }
  const heldBack = () => accepted.map((socket) => intake.isHeldBack(socket));
  return { echo, open, port, newAuthority, heldBack, served, errors, surplus: () => surplus, openSockets };
}

suite("limitIntake()", () => {
  test("serves a client with its certificate, and all that it sends with the end of its handshake", async (context) => {
    const { echo, served, errors, surplus } = await start(context);
    const long = "0123456789".repeat(100_000);
    assert.equal(await echo(0, "short"), "short");
    assert.ok((await echo(0, long)) === long);
    assert.deepEqual([served, errors, surplus()], [["127.0.0.1", "127.0.0.1"], [], 0]);
  });

  test("serves clients that present more certificates than others, in turns", async (context) => {
    const { echo, served, surplus } = await start(context);
    const texts = ["a", "b", "c", "d"];
    const answers = await Promise.all(texts.map((text) => echo(3, text.repeat(50_000))));
    assert.deepEqual(
      answers.map((answer) => [answer[0], answer.length]),
      texts.map((text) => [text, 50_000]),
    );
    assert.deepEqual([served.length, surplus()], [4, 0]);
  });

  test("reports that a connection is held back while its bytes wait for their step, and no longer", async (context) => {
    const clock = createFakeClock();
    const { echo, open, heldBack } = await start(context, clock);
    assert.equal(await echo(3, "first"), "first");
    const second = open(3);
    await until(() => heldBack()[1] === true);
    assert.deepEqual(heldBack(), [false, true]);
    await clock.advance(60_000);
    await once(second.resume().end(), "close");
    assert.deepEqual(heldBack(), [false, false]);
  });

  test("closes the connection of a client that presents too many, before TLS has read them", async (context) => {
    const { echo, served, surplus, openSockets } = await start(context);
    assert.equal(await echo(30, "text"), "");
    assert.deepEqual([served, surplus()], [[], 1]);
    assert.equal(await echo(0, "text"), "text");
    await until(async () => (await openSockets()) === 0);
  });

  test("closes the connection of a client that needs a step for each byte", async (context) => {
    const { port, surplus, openSockets } = await start(context);
    const socket = connectTcp(port, "127.0.0.1").on("error", () => {});
    // A handshake message of 16 KiB that never ends.
    const head = Buffer.alloc(LIMITS.greetingBytes);
    head.set([22, 3, 1, 63, 255, 1, 0, 63, 251, 3, 3]);
    socket.setNoDelay(true).write(head);
    const timer = setInterval(() => socket.write(Buffer.alloc(1)), 20);
    context.after(() => clearInterval(timer));
    await until(() => surplus() === 1);
    await until(async () => (await openSockets()) === 0);
  });

  test("lets an address wait whose handshakes have cost too much, and no other, until they are served", async (context) => {
    const clock = createFakeClock();
    const { echo, open, newAuthority, heldBack, served } = await start(context, clock);
    const issuer = newAuthority();
    const localAddress = "127.0.0.2";
    while (!heldBack().includes(true)) {
      const failing = open(0, { localAddress, issuer });
      await until(() => failing.destroyed || heldBack().at(-1) === true);
    }
    assert.equal(await echo(0, "other"), "other");
    const honest = open(0, { localAddress });
    await until(() => heldBack().at(-1) === true);
    await until(async () => {
      await clock.advance(1_000);
      return served.includes(localAddress);
    });
    honest.destroy();
  });

  test("keeps nothing of what clients of an address in debt have sent that leave again", async (context) => {
    const { port, heldBack, openSockets } = await start(context, createFakeClock());
    // No step runs: the clock stands still.
    const visit = async () => {
      const earlier = heldBack().length;
      const socket = connectTcp({ port, host: "127.0.0.1", localAddress: "127.0.0.3" }).on("error", () => {});
      await once(socket, "connect");
      socket.write(Buffer.alloc(SENT_BYTES, 0x16));
      await until(() => socket.destroyed || (heldBack().length > earlier && heldBack().at(-1) === true));
      return socket;
    };
    while (!heldBack().includes(true)) await visit();
    const collect = garbageCollection();
    collect();
    const before = process.memoryUsage().arrayBuffers;
    for (let count = 0; count < 200; count++) (await visit()).resetAndDestroy();
    await until(async () => (await openSockets()) <= 1);
    await until(() => {
      collect();
      return process.memoryUsage().arrayBuffers - before < 20 * SENT_BYTES;
    });
  });

  for (const [what, leave] of [
    ["ends its side", "end"],
    ["closes", "destroy"],
  ] as const) {
    test(`closes the connection of a client that ${what} before, during and after its handshake`, async (context) => {
      const { open, port, served, openSockets } = await start(context);
      const silent = connectTcp(port, "127.0.0.1").on("error", () => {});
      await once(silent, "connect");
      silent[leave]();
      await until(async () => (await openSockets()) === 0);

      const greeting = open(0);
      await once(greeting, "connect");
      greeting[leave]();
      await until(async () => (await openSockets()) === 0);

      const secure = open(0);
      await once(secure, "secureConnect");
      await until(() => served.length > 0);
      secure[leave]();
      await until(async () => (await openSockets()) === 0);
    });
  }

  test("sends the whole answer to a client that ends its side behind its request", async (context) => {
    const { open } = await start(context);
    const text = "0123456789".repeat(100_000);
    const socket = open(0);
    socket.end(text);
    let length = 0;
    socket.on("data", ({ length: more }: Buffer) => {
      length += more;
    });
    await once(socket, "close");
    assert.equal(length, text.length);
  });
});
