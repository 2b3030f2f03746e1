// Renewal processes that succeed, crash or hang.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRenewalProcess } from "../../../src/sidecar/renewal/renewal-process.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { createKeptLog } from "../../fakes/log.ts";

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
