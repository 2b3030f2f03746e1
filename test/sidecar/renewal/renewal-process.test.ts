// Renewal processes that succeed, crash or hang.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import type { Renewal } from "../../../src/sidecar/renewal/outcome.ts";
import { createRenewalProcess } from "../../../src/sidecar/renewal/renewal-process.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { createKeptLog } from "../../fakes/log.ts";
import { createTestPod } from "../fake-pod.ts";
import { startFakeServer } from "../fake-server.ts";

function setUp(script: string, file: string = process.execPath) {
  const clock = createFakeClock();
  const { log, lines } = createKeptLog();
  const written: string[] = [];
  const run = createRenewalProcess(
    { clock, log, write: (line) => written.push(line) },
    { command: { file, args: ["-e", script] }, env: { SHOWN: "from the parent" }, deadlineMs: 30_000 },
  );
  return { clock, lines, written, run };
}

const never = () => new AbortController().signal;

test("createRenewalProcess() returns the outcome of the renewal, and forwards its log", async () => {
  const { run, written, lines } = setUp(
    `console.error('{"level":30,"message":"' + process.env.SHOWN + '"}');
     console.log('{"outcome":"failed","code":"STS_DENIED","message":"no","retryAfterMs":7}')`,
  );
  assert.deepEqual(await run(never()), { outcome: "failed", code: "STS_DENIED", message: "no", retryAfterMs: 7 });
  assert.deepEqual(written, ['{"level":30,"message":"from the parent"}\n']);
  assert.deepEqual(lines, []);
});

test("createRenewalProcess() logs a crash once, and another crash again", async () => {
  const { run, lines, written } = setUp("console.error('Error: out of luck'); process.exit(3)");
  for (let round = 0; round < 2; round++) {
    assert.deepEqual(await run(never()), {
      outcome: "failed",
      code: "NOT_READY",
      message: "Cannot renew credentials: the renewal process ended with exit code 3",
      retryAfterMs: 0,
    });
  }
  assert.deepEqual(
    lines.map(({ output }) => output),
    ["Error: out of luck"],
  );
  assert.deepEqual(written, []);
});

for (const output of ["", "renewed", '{"outcome":"perhaps"}', "null"]) {
  test(`createRenewalProcess() returns NOT_READY when the output is ${JSON.stringify(output)}`, async () => {
    const { run } = setUp(`process.stdout.write(${JSON.stringify(output)})`);
    const renewal = await run(never());
    assert.equal(renewal.outcome === "failed" && renewal.code, "NOT_READY");
  });
}

test("createRenewalProcess() kills a renewal that exceeds its deadline", async () => {
  const { run, clock } = setUp("setInterval(() => {}, 1000)");
  const renewal = run(never());
  await clock.advance(30_000);
  assert.deepEqual(await renewal, {
    outcome: "failed",
    code: "NOT_READY",
    message: "Cannot renew credentials: the renewal process exceeded its deadline of 30 s",
    retryAfterMs: 0,
  });
});

test("createRenewalProcess() kills the renewal when the sidecar stops", async () => {
  const { run } = setUp("setInterval(() => {}, 1000)");
  const controller = new AbortController();
  const renewal = run(controller.signal);
  controller.abort();
  assert.equal((await renewal).outcome, "failed");
});

test("createRenewalProcess() returns NOT_READY when the program cannot be started", async () => {
  const { run } = setUp("", "/nowhere/node");
  const renewal = await run(never());
  assert.equal(renewal.outcome === "failed" && renewal.code, "NOT_READY");
});

const SUCCEED = `console.log('{"outcome":"renewed"}')`;

/** Runs a program of this project in another process with a limit of the shell's ulimit. */
async function runLimited(limit: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
  const command = ["-c", `ulimit ${limit} && exec "$@"`, "sh", process.execPath, ...args];
  const child = spawn("sh", command, { env, stdio: ["ignore", "pipe", "pipe"] });
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "close")]);
  return { stdout, stderr };
}

test("createRenewalProcess() returns NOT_READY while there are no file descriptors, and renews when there are", async () => {
  const script = `
    import { closeSync, openSync } from "node:fs";
    import { createRenewalProcess } from ${JSON.stringify(import.meta.resolve("../../../src/sidecar/renewal/renewal-process.ts"))};
    import { systemClock } from ${JSON.stringify(import.meta.resolve("../../../src/runtime/clock.ts"))};
    const command = { file: process.execPath, args: ["-e", ${JSON.stringify(SUCCEED)}] };
    const log = { warn() {} };
    const run = createRenewalProcess({ clock: systemClock, log, write() {} }, { command, env: {}, deadlineMs: 30_000 });
    const held = [];
    try {
      for (;;) held.push(openSync("/dev/null"));
    } catch {}
    const starved = await run(new AbortController().signal);
    for (const descriptor of held) closeSync(descriptor);
    console.log(JSON.stringify([starved, await run(new AbortController().signal)]));`;
  const { stdout, stderr } = await runLimited("-n 64", ["--input-type=module", "-e", script]);
  assert.notEqual(stdout, "", stderr);
  const [starved, renewed] = JSON.parse(stdout) as readonly Renewal[];
  assert.ok(starved?.outcome === "failed" && starved.code === "NOT_READY", stdout);
  assert.match(starved.message, /did not start \(.*EMFILE/);
  assert.deepEqual(renewed, { outcome: "renewed" });
});

test("runRenew() logs an error when it cannot write, and succeeds once it can", async (t) => {
  const server = await startFakeServer();
  t.after(() => server.stop());
  const pod = await createTestPod(t, server);
  const main = fileURLToPath(import.meta.resolve("../../../src/sidecar/main.ts"));
  const env = { ...process.env, ...pod.env };
  // EFBIG at the first byte of a file, as ENOSPC on a full volume.
  const full = await runLimited("-f 0", [main, "renew"], env);
  assert.match(full.stdout, /^\{"outcome":"failed","code":"INTERNAL"/, full.stderr);
  assert.match(full.stderr, /EFBIG/);
  assert.deepEqual(await readdir(pod.settings.identityDirectory), [], "no temporary file is left");
  const again = await runLimited("-f unlimited", [main, "renew"], env);
  assert.equal(again.stdout, '{"outcome":"renewed"}\n');
});
