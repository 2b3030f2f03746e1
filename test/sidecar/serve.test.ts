// The sidecar as a whole: endpoint, renewal and health together, over real sockets.
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { until } from "../../emulators/until.ts";
import { ERRORS, PodroleError } from "../../src/protocol/errors.ts";
import { type Clock, HOUR_MS, systemClock } from "../../src/runtime/clock.ts";
import { renew } from "../../src/sidecar/renewal/renew.ts";
import { runServe, startServing } from "../../src/sidecar/serve.ts";
import type { SidecarSettings } from "../../src/sidecar/settings.ts";
import { createAdvancingClock } from "../fakes/clock.ts";
import { createKeptLog } from "../fakes/log.ts";
import { freePort } from "../loopback.ts";
import { createTestPod, type FakePod, keepAlive } from "./fake-pod.ts";
import { grantReply, refusalReplyFor, shareFakeServer } from "./fake-server.ts";
import { sendRequest } from "./send-request.ts";

const server = await shareFakeServer();
const { defaultGrant } = server;

/** Real timers on a wall clock that can jump ahead, as after a suspension. */
function suspendable() {
  let suspendedMs = 0;
  const clock: Clock = {
    now: () => Date.now() + suspendedMs,
    elapsedMs: () => systemClock.elapsedMs(),
    schedule: (task, delayMs) => systemClock.schedule(task, delayMs),
  };
  return {
    clock,
    suspend: (ms: number) => {
      suspendedMs = ms;
    },
  };
}

interface SetUp {
  readonly settings?: Partial<SidecarSettings>;
  readonly clock?: Clock;
  /** Whether init has run before. */
  readonly afterInit?: boolean;
}

async function setUp(t: TestContext, { settings, clock = systemClock, afterInit = true }: SetUp = {}) {
  const pod = await createTestPod(t, server, settings);
  const { log, lines } = createKeptLog();
  if (afterInit) await renew({ clock: systemClock, log }, pod.settings);
  const serving = await startServing({ clock, log, write() {}, env: {} }, pod.settings);
  t.after(() => serving.stop("the test has ended"));
  const token = await pod.token(pod.settings.containers[0] ?? "");
  return {
    pod,
    lines,
    serving,
    token,
    get: (path: string) => sendRequest(serving.healthPort, { path }),
  };
}

test("startServing() returns the credentials that init stored, without a further request to the server", async (t) => {
  const { serving, pod, get } = await setUp(t, { settings: { containers: ["app", "worker"] } });
  for (const container of ["app", "worker"]) {
    const { status, body } = await sendRequest(serving.port, { token: await pod.token(container) });
    assert.deepEqual([status, body["Token"]], [200, `session-of-${container}-1`]);
  }
  assert.equal((await get("/readyz")).status, 200);
  assert.deepEqual(server.calls, ["certificate", "credentials"]);
  await serving.stop("test");
});

test("startServing() serves the metadata paths only in pods that enable them", async (t) => {
  const [on, off] = [
    await setUp(t, { settings: { metadata: true, metadataV1: true, region: "eu-central-1" } }),
    await setUp(t),
  ];
  const path = "/latest/meta-data/iam/security-credentials/";
  const role = await sendRequest(on.serving.port, { path });
  assert.equal(role.status, 200);
  const { text } = await sendRequest(on.serving.port, { path: path + role.text });
  const { body } = await sendRequest(on.serving.port, { token: on.token });
  assert.equal((JSON.parse(text) as Record<string, string>)["AccessKeyId"], body["AccessKeyId"]);
  assert.equal((await sendRequest(off.serving.port, { path })).status, 404);
  await Promise.all([on.serving.stop("test"), off.serving.stop("test")]);
});

test("startServing() returns nobody's credentials from the metadata paths in a pod whose containers have different roles", async (t) => {
  const containers = ["app", "worker"];
  const { serving } = await setUp(t, { settings: { metadata: true, metadataV1: true, containers } });
  for (const name of ["", ...containers]) {
    const path = `/latest/meta-data/iam/security-credentials/${name}`;
    const { status, text } = await sendRequest(serving.port, { path });
    assert.equal(status, 404, path);
    assert.ok(!text.includes("secret-of-"));
  }
  await serving.stop("test");
});

test("startServing() holds the first request after a cold start until the running renewal has ended", async (t) => {
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  server.grant = async (container, call) => {
    await released;
    return defaultGrant(container, call);
  };
  const { serving, token, get } = await setUp(t, { afterInit: false });
  assert.equal((await get("/readyz")).status, 503);
  const first = sendRequest(serving.port, { token });
  setImmediate(release);
  const { status, body } = await first;
  assert.deepEqual([status, body["AccessKeyId"]], [200, "ASIAAPP1"]);
  assert.equal((await get("/readyz")).status, 200);
  await serving.stop("test");
});

test("startServing() stops returning credentials that policy revokes, and returns those that STS refuses to renew", async (t) => {
  const { serving, pod } = await setUp(t);
  for (const [code, status] of [
    ["STS_DENIED", 200],
    ["ROLE_FORBIDDEN", 403],
  ] as const) {
    server.grant = (container) => refusalReplyFor(container, code, `Cannot: ${code}`);
    const again = await restart(pod);
    await until(async () => server.calls.length > 2);
    const token = await pod.token("app");
    await until(async () => (await sendRequest(again.port, { token })).status === status);
    await again.stop("test");
    server.calls.length = 2;
  }
  await serving.stop("test");
});

/** Starts a sidecar whose credentials are due, as after a restart. */
async function restart(pod: FakePod) {
  const file = join(pod.settings.identityDirectory, "credentials.json");
  await writeFile(file, (await readFile(file, "utf8")).replaceAll(/"renewAtMs":\d+/g, '"renewAtMs":0'));
  return startServing({ clock: systemClock, log: createKeptLog().log, write() {}, env: {} }, pod.settings);
}

test("startServing() renews credentials that expired while the pod was suspended when an SDK requests them", async (t) => {
  const { clock, suspend } = suspendable();
  const { serving, token } = await setUp(t, { clock });
  assert.equal((await sendRequest(serving.port, { token })).body["AccessKeyId"], "ASIAAPP1");
  suspend(5 * HOUR_MS);
  server.grant = (container, call) => grantReply(container, { now: clock.now(), suffix: String(call) });
  server.certificateLifetimeMs = 6 * HOUR_MS;
  const { status, body } = await sendRequest(serving.port, { token });
  assert.deepEqual([status, body["AccessKeyId"]], [200, "ASIAAPP2"]);
  assert.deepEqual(server.calls, ["certificate", "credentials", "certificate", "credentials"]);
  server.certificateLifetimeMs = HOUR_MS;
  await serving.stop("test");
});

test("startServing() never returns expired credentials, but the reason why there are no new ones", async (t) => {
  const { clock, suspend } = suspendable();
  const { serving, token, lines } = await setUp(t, { clock });
  suspend(0.9 * HOUR_MS);
  assert.equal((await sendRequest(serving.port, { token })).status, 200);
  suspend(HOUR_MS);
  await server.stop();
  const { status, body, headers } = await sendRequest(serving.port, { token });
  assert.deepEqual([status, body["code"], headers["retry-after"]], [503, "SERVER_UNREACHABLE", "1"]);
  await server.restart();
  assert.ok(lines.some(({ code }) => code === "SERVER_UNREACHABLE"));
  await serving.stop("test");
});

test("startServing() serves expiries and counters without secrets on the health port", async (t) => {
  const { serving, token, get } = await setUp(t);
  await sendRequest(serving.port, { token });
  await sendRequest(serving.port, { token: "wrong" });
  const { text, headers } = await get("/metrics");
  assert.match(String(headers["content-type"]), /^text\/plain; version=0.0.4/);
  const samples = Object.fromEntries(
    text
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => line.split(" ") as [string, string]),
  );
  assert.equal(samples['podrole_sidecar_requests_total{code="OK"}'], "1");
  assert.equal(samples['podrole_sidecar_requests_total{code="TOKEN_MISMATCH"}'], "1");
  assert.equal(samples['podrole_sidecar_renewals_total{outcome="failed"}'], "0");
  assert.equal(samples["podrole_sidecar_ready"], "1");
  assert.equal(samples["podrole_sidecar_request_duration_seconds_count"], "2");
  assert.equal(samples['podrole_sidecar_request_duration_seconds_bucket{le="+Inf"}'], "2");
  for (const name of ["credentials", "certificate"]) {
    const seconds = Number(samples[`podrole_sidecar_${name}_expiry_seconds`]);
    assert.ok(seconds > 3_500 && seconds <= 3_600, `${name}: ${seconds}`);
  }
  assert.ok(!text.includes("ASIA") && !text.includes("session-of"));
  assert.equal((await get("/healthz")).status, 200);
  assert.equal((await get("/v1/credentials")).status, 404);
  assert.equal((await sendRequest(serving.healthPort, { path: "/metrics", method: "POST" })).status, 405);
  await serving.stop("test");
});

/** Starts a pod to which nothing was granted yet. */
async function begin(t: TestContext, changes: Partial<SidecarSettings> = {}) {
  const pod = await createTestPod(t, server, changes);
  const { log, lines } = createKeptLog();
  const stopping = new AbortController();
  const deps = { clock: systemClock, log, write() {}, env: {}, signal: stopping.signal };
  return {
    pod,
    lines,
    stopping,
    ended: keepAlive(runServe(deps, pod.settings)),
    message: () => readFile(pod.settings.terminationMessageFile ?? "", "utf8"),
  };
}

test("runServe() returns 1 with a termination message when a container of a starting pod is permanently refused", async (t) => {
  server.grant = (container, call) =>
    container === "app" ? defaultGrant(container, call) : refusalReplyFor(container, "ROLE_FORBIDDEN", "not permitted");
  const { ended, message, lines } = await begin(t, { containers: ["app", "worker"] });
  assert.equal(await ended, 1);
  const { remedy } = ERRORS.ROLE_FORBIDDEN;
  assert.equal(await message(), `ROLE_FORBIDDEN: container "worker": not permitted -- ${remedy}`);
  assert.ok(lines.some((line) => line["code"] === "ROLE_FORBIDDEN" && line["remedy"] === remedy));
});

test("runServe() returns 1 with a termination message when the starting pod as a whole is permanently refused", async (t) => {
  server.refuseProof = new PodroleError("POD_UNKNOWN", "Cannot issue: the pod is gone");
  const { ended, message } = await begin(t);
  assert.equal(await ended, 1);
  assert.equal(await message(), `POD_UNKNOWN: Cannot issue: the pod is gone -- ${ERRORS.POD_UNKNOWN.remedy}`);
});

test("runServe() waits while refusals are retryable, and becomes ready once they end", async (t) => {
  let refusals = 0;
  server.grant = (container, call) =>
    ++refusals <= 2 ? refusalReplyFor(container, "STS_UNAVAILABLE", "Cannot reach STS") : defaultGrant(container, call);
  const { ended, message, stopping, lines } = await begin(t);
  await until(async () => lines.some(({ message: text }) => text === "credentials are ready"));
  stopping.abort("SIGTERM");
  assert.equal(await ended, 0);
  await assert.rejects(message(), { code: "ENOENT" });
});

for (const [mode, appGrace, exitCode] of [
  ["native", 0, 0],
  ["classic", 28_000, 1],
] as const) {
  test(`runServe() returns ${exitCode} with the last refusal when its signal aborts before the pod was ready, mode ${mode}`, async (t) => {
    server.grant = (container) => refusalReplyFor(container, "STS_UNAVAILABLE", "Cannot reach STS");
    const { ended, message, stopping, lines } = await begin(t, { appGrace });
    await until(async () => lines.some(({ code }) => code === "STS_UNAVAILABLE"));
    stopping.abort("SIGTERM");
    assert.equal(await ended, exitCode);
    assert.match(
      await message(),
      /^STS_UNAVAILABLE: Cannot start pod "team\/web": stopped while waiting for credentials; last error: Cannot reach STS -- /,
    );
  });
}

test("runServe() returns 0 with NOT_READY when its signal aborts before a renewal has finished", async (t) => {
  const { ended, message, stopping } = await begin(t);
  stopping.abort("SIGTERM");
  assert.equal(await ended, 0);
  assert.match(
    await message(),
    /^NOT_READY: Cannot start pod "team\/web": stopped while waiting for credentials; no renewal has/,
  );
});

test("runServe() continues after a permanent refusal once the pod has been ready, also after a restart", async (t) => {
  const { serving, pod } = await setUp(t);
  await serving.stop("test");
  server.grant = (container) => refusalReplyFor(container, "ROLE_FORBIDDEN", "no longer permitted");
  const revoked = await restart(pod);
  const token = await pod.token("app");
  await until(async () => (await sendRequest(revoked.port, { token })).status === 403);
  await revoked.stop("test");
  // The file holds the refusal and no valid credentials.
  const { log, lines } = createKeptLog();
  const stopping = new AbortController();
  const deps = { clock: systemClock, log, write() {}, env: {}, signal: stopping.signal };
  const ended = runServe(deps, pod.settings);
  await until(async () => lines.some(({ message }) => message === "renewal did not succeed"));
  stopping.abort("SIGTERM");
  assert.equal(await ended, 0);
  await assert.rejects(readFile(pod.settings.terminationMessageFile ?? "", "utf8"), { code: "ENOENT" });
});

test("runServe() serves after SIGTERM until the app of a classic pod has ended", async (t) => {
  const { pod, serving: first } = await setUp(t);
  await first.stop("test");
  const settings = { ...pod.settings, appGrace: 60_000, port: await freePort() };
  const { log, lines } = createKeptLog();
  const stopping = new AbortController();
  const clock = createAdvancingClock();
  let sockets = 1;
  const hasSocket = () => sockets > 0;
  const deps = { clock, log, write() {}, env: {}, signal: stopping.signal, hasSocket };
  const ended = keepAlive(runServe(deps, settings));
  await until(async () => lines.some(({ message }) => message === "podrole-sidecar is up"));
  stopping.abort("SIGTERM");
  await until(async () => lines.some(({ message }) => message === "serving until the app has ended"));
  clock.advance(20_000);
  const { status } = await sendRequest(settings.port, { token: await pod.token("app") });
  assert.equal(status, 200);
  sockets = 0;
  clock.advance(3_000);
  assert.equal(await ended, 0);
});

test("runServe() returns 1 when its port is in use, and 0 when its signal aborts", async (t) => {
  const { serving, pod } = await setUp(t);
  const deps = { clock: systemClock, write() {}, env: {} };
  const second = createKeptLog();
  const signal = new AbortController();
  const portInUse = { ...pod.settings, port: serving.port };
  assert.equal(await runServe({ ...deps, log: second.log, signal: signal.signal }, portInUse), 1);
  assert.ok(JSON.stringify(second.lines).includes(`port ${serving.port}`));
  const message = await readFile(pod.settings.terminationMessageFile ?? "", "utf8");
  assert.match(message, /^PORT_TAKEN: Cannot listen on port \d+: another container of this pod uses it/);
  const ended = runServe({ ...deps, log: second.log, signal: signal.signal }, pod.settings);
  signal.abort("SIGTERM");
  assert.equal(await ended, 0);
  await serving.stop("test");
});
