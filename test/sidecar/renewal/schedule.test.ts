// When renewals run, on a fake clock.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { ErrorCode } from "../../../src/protocol/errors.ts";
import type { Renewal } from "../../../src/sidecar/renewal/outcome.ts";
import { createRenewals } from "../../../src/sidecar/renewal/schedule.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { createKeptLog } from "../../fakes/log.ts";

const SECOND = 1_000;
const MINUTE = 60_000;

function failed(code: ErrorCode, retryAfterMs = 0): Renewal {
  return { outcome: "failed", code, message: `Cannot: ${code}`, retryAfterMs };
}

/** `answers`: the outcome of each renewal, the last one repeated. After a successful one the next is due in 30 minutes. */
function setUp(context: TestContext, ...answers: readonly (Renewal | Promise<Renewal>)[]) {
  const clock = createFakeClock();
  const { log, lines } = createKeptLog();
  const startedAt = clock.now();
  const runs: number[] = [];
  const counts: string[] = [];
  const state = { renewAt: 0, ready: true };
  const renewals = createRenewals({
    clock,
    log,
    store: { renewAt: () => state.renewAt, ready: () => state.ready, reload() {}, observe() {} },
    async run() {
      const answer = await Promise.resolve(answers[Math.min(runs.length, answers.length - 1)] as Renewal);
      runs.push((clock.now() - startedAt) / SECOND);
      if (answer.outcome === "renewed") state.renewAt = clock.now() + 30 * MINUTE;
      return answer;
    },
    count: (outcome) => counts.push(outcome),
    random: () => 0.5,
  });
  // Not awaited: a renewal that is stuck never ends.
  context.after(() => void renewals.stop());
  return { clock, lines, runs, counts, state, renewals };
}

test("createRenewals() renews when the stored credentials are due, and not before", async (context) => {
  const { clock, runs, state, renewals, counts } = setUp(context, { outcome: "renewed" });
  state.renewAt = clock.now() + 10 * MINUTE;
  renewals.start();
  await clock.advance(10 * MINUTE - 1);
  assert.deepEqual(runs, []);
  await clock.advance(1);
  assert.deepEqual(runs, [600]);
  await clock.advance(30 * MINUTE);
  assert.deepEqual(runs, [600, 2_400]);
  assert.deepEqual(counts, ["renewed", "renewed"]);
});

test("createRenewals() notices within 30 s that the node was suspended", async (context) => {
  const { clock, runs, state, renewals } = setUp(context, { outcome: "renewed" });
  state.renewAt = clock.now() + 10 * MINUTE;
  renewals.start();
  await clock.advance(MINUTE);
  state.renewAt = clock.now() - 5 * MINUTE;
  await clock.advance(30 * SECOND);
  assert.equal(runs.length, 1);
});

test("createRenewals() backs off from 1 s to 60 s while renewals fail", async (context) => {
  const { clock, runs, renewals } = setUp(context, failed("SERVER_UNREACHABLE"));
  renewals.start();
  await clock.advance(5 * MINUTE);
  assert.deepEqual(runs, [0, 1, 3, 7, 15, 31, 63, 123, 183, 243]);
});

test("createRenewals() backs off from 250 ms to 10 s until the pod has received credentials", async (context) => {
  const { clock, runs, state, renewals } = setUp(context, failed("SERVER_UNREACHABLE"));
  state.ready = false;
  renewals.start();
  await clock.advance(40 * SECOND);
  assert.deepEqual(runs, [0, 0.25, 0.75, 1.75, 3.75, 7.75, 15.75, 25.75, 35.75]);
});

test("createRenewals() waits for the retry-after time of the server", async (context) => {
  const { clock, runs, renewals } = setUp(context, failed("STS_THROTTLED", 20 * SECOND), { outcome: "renewed" });
  renewals.start();
  await clock.advance(0);
  renewals.renewNow();
  await clock.advance(20 * SECOND - 1);
  assert.deepEqual(runs, [0]);
  await clock.advance(1);
  assert.deepEqual(runs, [0, 20]);
});

test("createRenewals() renews once per minute after a permanent refusal", async (context) => {
  const { clock, runs, renewals } = setUp(context, failed("ROLE_FORBIDDEN"));
  renewals.start();
  await clock.advance(2 * MINUTE);
  assert.deepEqual(runs, [0, 60, 120]);
});

test("renewNow() starts a renewal at once, and the next at least 1 s later", async (context) => {
  const { clock, runs, renewals } = setUp(context, ...Array<Renewal>(4).fill(failed("SERVER_UNREACHABLE")));
  renewals.start();
  await clock.advance(3 * SECOND);
  assert.deepEqual(runs, [0, 1, 3]);
  for (let request = 0; request < 100; request++) renewals.renewNow();
  assert.equal(renewals.nextInMs(), SECOND);
  await clock.advance(SECOND);
  assert.deepEqual(runs, [0, 1, 3, 4]);
  renewals.renewNow();
  await clock.advance(SECOND);
  assert.deepEqual(runs, [0, 1, 3, 4, 5]);
});

test("renewNow() starts the next renewal at least 10 s after a permanent refusal", async (context) => {
  const { clock, runs, renewals } = setUp(context, failed("STS_DENIED"), { outcome: "renewed" });
  renewals.start();
  await clock.advance(0);
  renewals.renewNow();
  await clock.advance(10 * SECOND - 1);
  assert.deepEqual(runs, [0]);
  await clock.advance(1);
  assert.deepEqual(runs, [0, 10]);
  assert.equal(renewals.failure(), undefined);
});

test("createRenewals() continues after the wall clock was set back", async (context) => {
  const { clock, runs, renewals, state } = setUp(context, failed("SERVER_UNREACHABLE"), { outcome: "renewed" });
  renewals.start();
  await clock.advance(0);
  assert.deepEqual(runs, [0]);
  const yesterday = clock.now() - 24 * 60 * MINUTE;
  clock.now = () => yesterday;
  await clock.advance(SECOND);
  assert.equal(runs.length, 2);
  assert.ok(state.renewAt > 0);
});

test("createRenewals() runs one renewal at a time, and reports when one is stuck", async (context) => {
  const { clock, runs, renewals } = setUp(context, new Promise<Renewal>(() => {}));
  renewals.start();
  for (let minute = 0; minute < 2; minute++) {
    assert.equal(renewals.stuck(), false);
    renewals.renewNow();
    await clock.advance(MINUTE);
  }
  await clock.advance(MINUTE);
  assert.equal(renewals.stuck(), true);
  assert.deepEqual(runs, []);
});

test("createRenewals() logs a failure once, and its end once", async (context) => {
  const { clock, lines, renewals } = setUp(
    context,
    ...Array<Renewal>(3).fill(failed("SERVER_UNREACHABLE")),
    ...Array<Renewal>(2).fill(failed("CERTIFICATE_REJECTED")),
    { outcome: "renewed" },
  );
  renewals.start();
  await clock.advance(5 * MINUTE);
  assert.deepEqual(
    lines.filter(({ level }) => Number(level) > 20).map(({ code, message, failures }) => [code, message, failures]),
    [
      ["SERVER_UNREACHABLE", "renewal did not succeed", 1],
      ["CERTIFICATE_REJECTED", "renewal did not succeed", 4],
      [undefined, "renewal works again", 5],
    ],
  );
});

test("createRenewals() counts a run that throws as INTERNAL and continues", async (context) => {
  const clock = createFakeClock();
  const { log } = createKeptLog();
  let runs = 0;
  const renewals = createRenewals({
    clock,
    log,
    store: { renewAt: () => 0, ready: () => true, reload() {}, observe() {} },
    run: () => Promise.reject(new TypeError(`run ${++runs}`)),
    count() {},
  });
  context.after(() => renewals.stop());
  renewals.start();
  await clock.advance(2 * SECOND);
  assert.equal(runs, 2);
  assert.equal(renewals.failure()?.code, "INTERNAL");
});

test("stop() ends the running renewal and starts no other", async () => {
  const clock = createFakeClock();
  let aborted = false;
  const renewals = createRenewals({
    clock,
    log: createKeptLog().log,
    store: { renewAt: () => 0, ready: () => true, reload() {}, observe() {} },
    run: (signal) =>
      new Promise((resolve) =>
        signal.addEventListener("abort", () => {
          aborted = true;
          resolve(failed("NOT_READY"));
        }),
      ),
    count: () => assert.fail("a stopped renewal is not counted"),
  });
  renewals.start();
  await renewals.stop();
  assert.equal(aborted, true);
  renewals.renewNow();
  await clock.advance(MINUTE);
});
