// What callers of the identity port owe who prove nothing, over real sockets and TLS: they come back as soon as their
// connection is closed, from an address of their own or from one that honest callers share.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import type { TLSSocket } from "node:tls";
import { until } from "../../emulators/until.ts";
import { ON_LINUX } from "../on-linux.ts";
import { FRAMES_WITHOUT_CALL, PREFACE } from "./h2-frames.ts";
import { LIMITS, startLimitedPort } from "./limited-port.ts";

const FLOOD = Buffer.concat([PREFACE, ...Array.from({ length: 6_000 }, () => FRAMES_WITHOUT_CALL.WINDOW_UPDATE)]);
/** In milliseconds of the machine's time; a connection that has to wait for a step waits for the clock of the test. */
const PATIENCE_MS = 500;

type Port = Awaited<ReturnType<typeof startLimitedPort>>;

/** Floods a connection from the address; resolves with whether the port read it, and not with what it had to wait. */
async function flood(
  { connectRaw }: Port,
  localAddress: string,
  patienceMs = PATIENCE_MS,
): Promise<"closed" | "waits"> {
  const socket: TLSSocket = connectRaw({ localAddress });
  socket.resume().write(FLOOD);
  return Promise.race([
    new Promise<"closed">((resolve) => socket.once("close", () => resolve("closed"))),
    delay(patienceMs, "waits" as const, { ref: false }),
  ]);
}

/** Floods one connection after the other until one of them has to wait. */
async function floodUntilInDebt(port: Port, localAddress: string): Promise<void> {
  for (let count = 0; (await flood(port, localAddress)) === "closed"; count++) {
    assert.ok(count < 200, "200 connections were closed for their frames, and the next one was served at once");
  }
}

test(
  "the identity port lets an address wait whose connections it has closed for their frames, and no other",
  ON_LINUX,
  async (context) => {
    const port = await startLimitedPort(context, "identity");
    await floodUntilInDebt(port, "127.0.0.2");
    assert.equal((await port.call()).certificate, "certificate");
    const stranger = port.connectRaw({ localAddress: "127.0.0.2" });
    let isServed = false;
    stranger.once("secureConnect", () => {
      isServed = true;
    });
    await until(async () => {
      await port.clock.advance(100);
      return isServed;
    });
  },
);

test("the identity port serves honest callers at once behind an address from which strangers send frames", async (context) => {
  const port = await startLimitedPort(context, "identity", { limits: { ...LIMITS, connections: 50 } });
  for (let count = 0; count < 60; count++) {
    // Longer than any busy machine needs: here nothing may wait for the clock of the test.
    assert.equal(await flood(port, "127.0.0.1", 20_000), "closed");
    if (count % 10 === 0) assert.equal((await port.call()).certificate, "certificate");
  }
});

test("the identity port lets an address wait whose calls are answered and prove nothing", async (context) => {
  const port = await startLimitedPort(context, "identity", { isProven: false, proves: false });
  for (let count = 0; count < 200; count++) {
    const answered = port.call().then(
      () => true,
      () => false,
    );
    if (!(await Promise.race([answered, delay(PATIENCE_MS, false)]))) return;
  }
  assert.fail("200 calls were answered at once that proved nothing");
});
