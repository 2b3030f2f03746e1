import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { type TestContext, test } from "node:test";
import { ERRORS, PodroleError } from "../../src/protocol/errors.ts";
import { type Clock, systemClock } from "../../src/runtime/clock.ts";
import { runInit } from "../../src/sidecar/init.ts";
import type { SidecarSettings } from "../../src/sidecar/settings.ts";
import { createKeptLog } from "../fakes/log.ts";
import { createTestPod, keepAlive } from "./fake-pod.ts";
import { refusalReplyFor, shareFakeServer } from "./fake-server.ts";

const server = await shareFakeServer();
const { defaultGrant } = server;

/**
 * A clock that runs twenty times as fast, so that real waits are short and a busy machine still meets each deadline.
 */
function fastClock(): Clock {
  const startedAt = Date.now();
  return {
    now: () => startedAt + (Date.now() - startedAt) * 20,
    elapsedMs: () => systemClock.elapsedMs() * 20,
    schedule: (task, delayMs) => systemClock.schedule(task, delayMs / 20),
  };
}

async function setUp(t: TestContext, changes: Partial<SidecarSettings> = {}) {
  const pod = await createTestPod(t, server, changes);
  const { log, lines } = createKeptLog();
  const stopping = new AbortController();
  return {
    pod,
    lines,
    stopping,
    run: () => keepAlive(runInit({ clock: fastClock(), log, signal: stopping.signal }, pod.settings)),
    message: () => readFile(pod.settings.terminationMessageFile ?? "", "utf8"),
  };
}

test("runInit() returns 0 when every container has a token and credentials", async (t) => {
  const { run, pod, message } = await setUp(t, { containers: ["app", "worker"] });
  assert.equal(await run(), 0);
  assert.notEqual(await pod.token("app"), await pod.token("worker"));
  await assert.rejects(message(), { code: "ENOENT" });
});

test("runInit() needs no server when it is repeated", async (t) => {
  const { run, pod } = await setUp(t);
  await run();
  const token = await pod.token("app");
  const again = runInit(
    { clock: systemClock, log: createKeptLog().log, signal: new AbortController().signal },
    { ...pod.settings, serverAddress: { host: "127.0.0.1", port: 1 }, identityAddress: { host: "127.0.0.1", port: 1 } },
  );
  assert.equal(await again, 0);
  assert.notEqual(await pod.token("app"), token, "a sidecar may have accepted the first one");
  assert.deepEqual(server.calls, ["certificate", "credentials"]);
});

test("runInit() retries a retryable refusal, and logs it at least every 10 s", async (t) => {
  const { run, lines } = await setUp(t, { initTimeout: 10 * 60_000 });
  let calls = 0;
  server.grant = (container, call) =>
    ++calls <= 6 ? refusalReplyFor(container, "STS_UNAVAILABLE", "Cannot reach STS") : defaultGrant(container, call);
  assert.equal(await run(), 0);
  const waiting = lines.filter(({ message }) => message === "waiting for credentials");
  const refusal = waiting.find(({ code }) => code !== undefined);
  assert.deepEqual([refusal?.["code"], refusal?.["reason"]], ["STS_UNAVAILABLE", "Cannot reach STS"]);
  assert.ok(waiting.length >= 2, "progress is logged");
});

test("runInit() returns 1 with the last error when initTimeout has passed", async (t) => {
  const { run, message, lines } = await setUp(t, { initTimeout: 20_000 });
  server.refuseProof = new PodroleError("KUBERNETES_UNAVAILABLE", "Cannot review the token");
  assert.equal(await run(), 1);
  const text = await message();
  assert.match(text, /^KUBERNETES_UNAVAILABLE: Cannot start pod "team\/web": no credentials after 20 s; last error: /);
  assert.ok(text.includes("Cannot review the token"));
  assert.equal(lines.at(-1)?.["code"], "KUBERNETES_UNAVAILABLE");
});

test("runInit() returns 1 at once when the pod is permanently refused", async (t) => {
  const { run, message, lines } = await setUp(t);
  server.refuseProof = new PodroleError("POD_UNKNOWN", "Cannot issue: the pod is gone");
  assert.equal(await run(), 1);
  assert.equal(server.calls.length, 1);
  assert.equal(await message(), `POD_UNKNOWN: Cannot issue: the pod is gone -- ${ERRORS.POD_UNKNOWN.remedy}`);
  const last = lines.at(-1);
  assert.deepEqual([last?.["code"], last?.["remedy"]], ["POD_UNKNOWN", ERRORS.POD_UNKNOWN.remedy]);
});

test("runInit() returns 1 when some containers are permanently refused, and names them", async (t) => {
  const { run, message } = await setUp(t, { containers: ["app", "worker", "other"] });
  server.grant = (container, call) =>
    container === "app" ? defaultGrant(container, call) : refusalReplyFor(container, "ROLE_FORBIDDEN", "not permitted");
  assert.equal(await run(), 1);
  assert.equal(
    await message(),
    `ROLE_FORBIDDEN: container "worker": not permitted; container "other": not permitted -- ${ERRORS.ROLE_FORBIDDEN.remedy}`,
  );
});

test("runInit() returns 1 for a permanent refusal of one container, even while that of another is retryable", async (t) => {
  const { run, message } = await setUp(t, { containers: ["app", "worker"] });
  server.grant = (container) => refusalReplyFor(container, container === "app" ? "STS_THROTTLED" : "STS_DENIED", "no");
  assert.equal(await run(), 1);
  assert.match(await message(), /^STS_DENIED: container "worker": no/);
});

test("runInit() ends at once when its signal aborts", async (t) => {
  const { run, stopping, message } = await setUp(t);
  server.grant = (container) => {
    setImmediate(() => stopping.abort());
    return refusalReplyFor(container, "STS_UNAVAILABLE");
  };
  assert.equal(await run(), 1);
  assert.match(
    await message(),
    /^STS_UNAVAILABLE: Cannot start pod "team\/web": stopped while waiting for credentials/,
  );
});

test("runInit() returns 1 with INTERNAL when it cannot write a directory", async (t) => {
  const { run, message } = await setUp(t, { tokensDirectory: "/proc/nowhere" });
  assert.equal(await run(), 1);
  assert.match(await message(), /^INTERNAL: /);
});
