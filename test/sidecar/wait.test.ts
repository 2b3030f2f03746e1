// The start hook beside a running sidecar, and what strangers can do to it and to the probes.
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { type TestContext, test } from "node:test";
import { until } from "../../emulators/until.ts";
import { HOUR_MS, systemClock } from "../../src/runtime/clock.ts";
import type { OfferOutcome } from "../../src/sidecar/renewal/hook-renewal.ts";
import { renew } from "../../src/sidecar/renewal/renew.ts";
import { startServing } from "../../src/sidecar/serve.ts";
import type { SidecarSettings } from "../../src/sidecar/settings.ts";
import { runHold, runWait } from "../../src/sidecar/wait.ts";
import { createFakeClock } from "../fakes/clock.ts";
import { createKeptLog } from "../fakes/log.ts";
import { createTestPod, keepAlive } from "./fake-pod.ts";
import { shareFakeServer } from "./fake-server.ts";
import { sendRequest } from "./send-request.ts";

const server = await shareFakeServer();

/** A sidecar that has credentials. */
async function setUp(t: TestContext) {
  const pod = await createTestPod(t, server);
  const { log } = createKeptLog();
  await renew({ clock: systemClock, log }, pod.settings);
  const serving = await startServing({ clock: systemClock, log, write() {}, env: {} }, pod.settings);
  t.after(() => serving.stop("the test has ended"));
  return { pod, serving, get: (path: string) => sendRequest(serving.healthPort, { path }) };
}

const wait = (settings: SidecarSettings, port: number, initTimeout = 10_000) =>
  runWait(
    { clock: systemClock, log: createKeptLog().log, signal: new AbortController().signal },
    { ...settings, port, initTimeout },
  );

test("runWait() returns 0 once the sidecar has credentials and listens, and 1 after initTimeout", async (t) => {
  const { serving, pod } = await setUp(t);
  assert.equal(await wait(pod.settings, serving.port), 0);
  await serving.stop("test");
  assert.equal(await keepAlive(wait(pod.settings, serving.port, 100)), 1);
});

test("runWait() returns 1 while a container has no credentials, or credentials.json cannot be read", async (t) => {
  const { serving, pod } = await setUp(t);
  const { settings } = pod;
  assert.equal(await keepAlive(wait({ ...settings, containers: ["app", "other"] }, serving.port, 100)), 1);
  assert.equal(await keepAlive(wait({ ...settings, identityDirectory: settings.proofFile }, serving.port, 100)), 1);
  await serving.stop("test");
});

test("runHold() continues when the sidecar abandons a renewal, and returns 0 once the pod has credentials", async (t) => {
  const { serving, pod } = await setUp(t);
  const outcomes: OfferOutcome[] = ["abandoned", "unwanted", "abandoned", "renewed"];
  const deps = {
    clock: systemClock,
    log: createKeptLog().log,
    signal: new AbortController().signal,
    offer: async () => outcomes.shift() ?? assert.fail("offered again"),
  };
  assert.equal(await keepAlive(runHold(deps, { ...pod.settings, port: serving.port, initTimeout: 1 })), 0);
  await serving.stop("test");
});

test("runHold() offers its renewal until a sidecar that starts later wants it, also after one that abandons it", async (t) => {
  const { settings } = await createTestPod(t, server);
  const clock = createFakeClock();
  const outcomes: OfferOutcome[] = ["unwanted", "unwanted", "abandoned", "unwanted", "renewed"];
  const stopping = new AbortController();
  const offer = async () => outcomes.shift() ?? assert.fail("offered again");
  const holding = runHold({ clock, log: createKeptLog().log, signal: stopping.signal, offer }, settings);
  await clock.advance(5_000);
  assert.deepEqual(outcomes, []);
  stopping.abort();
  await clock.advance(2_000);
  assert.equal(await holding, 0);
});

test("runHold() waits without a limit for a sidecar that has no credentials, and returns 0 when it is stopped", async (t) => {
  const { settings } = await createTestPod(t, server);
  const clock = createFakeClock();
  const stopping = new AbortController();
  let code: number | undefined;
  const deps = { clock, log: createKeptLog().log, signal: stopping.signal, offer: async () => "unwanted" as const };
  void runHold(deps, { ...settings, initTimeout: 10_000 }).then((result) => {
    code = result;
  });
  await clock.advance(HOUR_MS);
  assert.equal(code, undefined);
  stopping.abort();
  await clock.advance(2_000);
  assert.equal(code, 0);
});

for (const [direction, stepMs] of [
  ["forward", 2 * HOUR_MS],
  ["back", -2 * HOUR_MS],
] as const) {
  test(`runWait() waits for initTimeout, no longer and no shorter, when the wall clock is set ${direction} by hours`, async (t) => {
    const { settings } = await createTestPod(t, server);
    const clock = createFakeClock();
    let code: number | undefined;
    const { signal } = new AbortController();
    const deps = { clock, log: createKeptLog().log, signal };
    void runWait(deps, { ...settings, initTimeout: 10_000 }).then((result) => {
      code = result;
    });
    clock.step(stepMs);
    await clock.advance(9_000);
    assert.equal(code, undefined);
    await clock.advance(2_000);
    assert.equal(code, 1);
  });
}

test("startServing() answers probes and the start hook while strangers hold every connection of the health port", async (t) => {
  const { serving, pod, get } = await setUp(t);
  const strangers = await Promise.all(
    Array.from({ length: 70 }, async () => {
      const socket = connect(serving.healthPort, "127.0.0.1").on("error", () => {});
      await once(socket, "connect");
      socket.write("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n");
      await once(socket, "data");
      return socket;
    }),
  );
  assert.equal((await get("/healthz")).status, 200);
  assert.equal((await get("/readyz")).status, 200);
  assert.equal(await wait(pod.settings, serving.port), 0);
  // The page of a moment ago is returned for 250 ms.
  const closed = /podrole_sidecar_connections_closed_total\{port="health",reason="connections"\} [1-9]/;
  await until(async () => closed.test((await get("/metrics")).text), "closed connections are counted");
  for (const socket of strangers) socket.destroy();
  await serving.stop("test");
});

test("runWait() offers a renewal until the sidecar has had one, and returns 1 when the sidecar abandons it", async (t) => {
  const { serving, pod } = await setUp(t);
  const { settings } = pod;
  const { log } = createKeptLog();
  const { signal } = new AbortController();
  const run = (outcomes: OfferOutcome[], containers = ["app"]) =>
    keepAlive(
      runWait(
        { clock: systemClock, log, signal, offer: async () => outcomes.shift() ?? assert.fail("offered again") },
        { ...settings, containers, port: serving.port, initTimeout: 1_000 },
      ),
    );
  assert.equal(await run(["unwanted"]), 0, "the pod has been ready");
  const outcomes: OfferOutcome[] = ["unwanted", "renewed"];
  assert.equal(await run(outcomes, ["app", "other"]), 1);
  assert.deepEqual(outcomes, []);
  assert.equal(await run(["abandoned"]), 1);
  await serving.stop("test");
});
