// Authorization tokens over several starts of one pod's sidecar, over real sockets.
import assert from "node:assert/strict";
import { createServer } from "node:net";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../../src/runtime/clock.ts";
import { runInit } from "../../src/sidecar/init.ts";
import { startServing } from "../../src/sidecar/serve.ts";
import type { SidecarSettings } from "../../src/sidecar/settings.ts";
import { createKeptLog } from "../fakes/log.ts";
import { bindLoopback } from "../loopback.ts";
import { createTestPod, type FakePod } from "./fake-pod.ts";
import { shareFakeServer } from "./fake-server.ts";
import { sendRequest } from "./send-request.ts";

const server = await shareFakeServer();

const { log } = createKeptLog();

/** Classic mode: podrole-init has run. */
async function createPod(t: TestContext, mode: "native" | "classic"): Promise<FakePod> {
  const pod = await createTestPod(t, server);
  const signal = new AbortController().signal;
  if (mode === "classic") assert.equal(await runInit({ clock: systemClock, log, signal }, pod.settings), 0);
  return pod;
}

async function start(t: TestContext, { settings }: FakePod, changes: Partial<SidecarSettings> = {}) {
  const serving = await startServing({ clock: systemClock, log, write() {}, env: {} }, { ...settings, ...changes });
  t.after(() => serving.stop("the test has ended"));
  return serving;
}

async function use(port: number, token: string): Promise<string> {
  const { status, body, headers } = await sendRequest(port, { token });
  return status === 200 ? "OK" : `${status} ${body["code"]} ${headers["retry-after"]}`;
}

for (const mode of ["native", "classic"] as const) {
  test(`startServing() replaces the tokens of the previous start, and answers those with a retryable error (${mode})`, async (t) => {
    const pod = await createPod(t, mode);
    const prepared = mode === "classic" ? await pod.token("app") : undefined;
    const first = await start(t, pod);
    const before = await pod.token("app");
    if (prepared !== undefined) assert.equal(before, prepared, "an app may have read it already");
    assert.match(before, /^[A-Za-z0-9_-]{43}$/);
    while ((await use(first.port, before)).startsWith("503 NOT_READY")) await sleep(50);
    assert.equal(await use(first.port, before), "OK");
    await first.stop("test");
    const second = await start(t, pod);
    assert.equal(await use(second.port, before), "503 TOKEN_REPLACED 1");
    assert.equal(await use(second.port, await pod.token("app")), "OK");
    assert.equal(await use(second.port, "neither"), "403 TOKEN_MISMATCH undefined");
    await second.stop("test");
  });

  test(`startServing() accepts no token that another container collected on its port (${mode})`, async (t) => {
    const pod = await createPod(t, mode);
    if (mode === "native") await (await start(t, pod)).stop("test");
    const neighbour = createServer();
    const port = await bindLoopback(neighbour);
    await assert.rejects(start(t, pod, { port }), { code: "PORT_TAKEN" });
    const collected = await pod.token("app");
    await new Promise((resolve) => neighbour.close(resolve));
    const serving = await start(t, pod, { port });
    assert.equal(await use(port, collected), "503 TOKEN_REPLACED 1");
    assert.equal(await use(port, await pod.token("app")), "OK");
    await serving.stop("test");
  });
}
