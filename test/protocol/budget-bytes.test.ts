// What messages and answers keep in the memory of the gRPC ports, over real sockets and TLS with small limits.
import assert from "node:assert/strict";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import type { TLSSocket } from "node:tls";
import { until } from "../../emulators/until.ts";
import type { ListenerLimits } from "../../src/protocol/listener.ts";
import { FRAMES_WITHOUT_CALL, hasPingAck, oneByte, oneByteInARecord, openCall, PING, PREFACE } from "./h2-frames.ts";
import { CREDENTIALS_METHOD, LIMITS, METHOD, startLimitedPort } from "./limited-port.ts";

for (const [service, method] of [
  ["identity", METHOD],
  ["credentials", CREDENTIALS_METHOD],
] as const) {
  test(`createListener() counts what the parts of a message keep in memory on the ${service} port, although they have one byte each`, async (context) => {
    const limits = { ...LIMITS, bytes: 40_000 };
    const { connectRaw, closed, call, callAs } = await startLimitedPort(context, service, { limits });
    const socket = connectRaw();
    const ended = new Promise((resolve) => socket.once("close", resolve));
    socket.resume().write(Buffer.concat([PREFACE, openCall(method, 10_000)]));
    // Fewer bytes than one connection may send, and fewer parts than a message may have.
    for (let sent = 0; sent < 5; sent++) socket.write(oneByteInARecord());
    await ended;
    assert.deepEqual(closed, ["bytes"]);
    await (service === "identity" ? call() : callAs("honest"));
  });
}

const ANSWER_BYTES = 10_000;

/** A port whose answers have ANSWER_BYTES, and a caller that reads none of them. */
async function startUnread(context: TestContext, limits: Partial<ListenerLimits>) {
  const bundle = "b".repeat(ANSWER_BYTES);
  const port = await startLimitedPort(context, "credentials", { limits: { ...LIMITS, ...limits }, bundle });
  async function leaveUnread(uid: string) {
    const { client, request } = await port.session(uid, { initialWindowSize: 0 });
    const stream = request({ ":path": CREDENTIALS_METHOD });
    const begun = once(stream, "response");
    stream.end(Buffer.alloc(5));
    await begun;
    return client;
  }
  return { ...port, leaveUnread };
}

test("createListener() counts the bytes of answers that their callers do not read, and serves others", async (context) => {
  const { leaveUnread, callAs, closed } = await startUnread(context, { answers: { total: 2.5 * ANSWER_BYTES } });
  const [first, second] = [await leaveUnread("one"), await leaveUnread("two")];
  assert.deepEqual(closed, []);
  await leaveUnread("three");
  await until(() => first.destroyed);
  assert.deepEqual([closed, second.destroyed], [["answer"], false]);
  assert.equal((await callAs("honest")).bundle.length, ANSWER_BYTES);
});

test("createListener() lets one pod leave fewer bytes of answers unread than all together", async (context) => {
  const { leaveUnread, closed } = await startUnread(context, {
    answers: { total: 9 * ANSWER_BYTES, perCaller: 1.5 * ANSWER_BYTES },
  });
  const [other, first] = [await leaveUnread("other"), await leaveUnread("hog")];
  await leaveUnread("hog");
  await until(() => first.destroyed);
  assert.deepEqual([closed, other.destroyed], [["answer"], false]);
});

test("createListener() closes the connection of a caller that does not read its answer in time", async (context) => {
  const { leaveUnread, clock, closed } = await startUnread(context, { answerMs: 3_000 });
  const client = await leaveUnread("slow");
  await clock.advance(3_000);
  assert.deepEqual(closed, []);
  await clock.advance(LIMITS.sweepMs);
  await until(() => client.destroyed);
  assert.deepEqual(closed, ["answer"]);
});

/** Sends the frames and resolves once the server has read them. */
async function sendFrames(socket: TLSSocket, frames: readonly Buffer[]): Promise<void> {
  let received = Buffer.alloc(0);
  socket.on("data", (bytes: Buffer) => {
    received = Buffer.concat([received, bytes]);
  });
  socket.write(Buffer.concat([PREFACE, ...frames, PING]));
  await until(() => hasPingAck(received));
}

for (const service of ["identity", "credentials"] as const) {
  for (const [name, frame] of Object.entries(FRAMES_WITHOUT_CALL)) {
    test(`createListener() closes a connection of the ${service} port that sends more than 64 KiB of ${name} without a call`, async (context) => {
      const { connectRaw, closed } = await startLimitedPort(context, service);
      const framesOf = (bytes: number) => Array.from({ length: Math.ceil(bytes / frame.length) }, () => frame);
      const [modest, excessive] = [connectRaw(), connectRaw()];
      await sendFrames(modest, framesOf(40 * 1024));
      // The clock stands still: the connection is closed as the bytes arrive.
      excessive.resume().write(Buffer.concat([PREFACE, ...framesOf(70 * 1024)]));
      await until(() => excessive.destroyed);
      assert.deepEqual([closed, modest.destroyed], [["bytes"], false]);
    });
  }
}

for (const service of ["identity", "credentials"] as const) {
  test(`createListener() closes a connection of the ${service} port that sends a message in more than 64 parts`, async (context) => {
    const { connectRaw, closed } = await startLimitedPort(context, service);
    const [modest, excessive] = [connectRaw(), connectRaw()];
    const bytesOf = (count: number) => Array.from({ length: count }, oneByte);
    const call = openCall(service === "identity" ? METHOD : CREDENTIALS_METHOD, 10_000);
    await sendFrames(modest, [call, ...bytesOf(60)]);
    excessive.resume().write(Buffer.concat([PREFACE, call, ...bytesOf(70)]));
    await until(() => excessive.destroyed);
    assert.deepEqual([closed, modest.destroyed], [["bytes"], false]);
  });
}

test("createListener() permits more bytes for each call of a connection", async (context) => {
  const { connectRaw, closed } = await startLimitedPort(context, "identity");
  const socket = connectRaw();
  const frames = Array.from({ length: 5 }, () => oneByteInARecord());
  await sendFrames(socket, [openCall(METHOD, 1_000), ...frames]);
  assert.deepEqual([closed, socket.destroyed], [[], false]);
});
