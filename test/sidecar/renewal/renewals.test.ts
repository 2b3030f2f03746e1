// When renewals run, on a fake clock.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { ErrorCode } from "../../../src/protocol/errors.ts";
import { MINUTE_MS, SECOND_MS } from "../../../src/runtime/clock.ts";
import type { Renewal } from "../../../src/sidecar/renewal/outcome.ts";
import { createRenewals } from "../../../src/sidecar/renewal/renewals.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { createKeptLog } from "../../fakes/log.ts";

function failed(code: ErrorCode, retryAfterMs = 0): Renewal {
  return { outcome: "failed", code, message: `Cannot: ${code}`, retryAfterMs };
}

/**
 * `answers`: the outcome of each renewal, the last one repeated. After a successful one the next is due in 30 minutes.
 */
function setUp(context: TestContext, ...answers: readonly (Renewal | Promise<Renewal>)[]) {
  const clock = createFakeClock();
  const { log, lines } = createKeptLog();
  const startedAt = clock.now();
  const runs: number[] = [];
  const counts: string[] = [];
  const looks: number[] = [];
  const state = { renewAt: 0, ready: true, isReachable: true, isUnreadable: false };
  let later: Renewal | undefined;
  const renewals = createRenewals({
    clock,
    log,
    store: { renewAt: () => state.renewAt, isReady: () => state.ready, reload() {}, observe() {} },
    async run() {
      const answer = later ?? (await Promise.resolve(answers[Math.min(runs.length, answers.length - 1)] as Renewal));
      runs.push((clock.now() - startedAt) / SECOND_MS);
      if (answer.outcome === "renewed" && !state.isUnreadable) state.renewAt = clock.now() + 30 * MINUTE_MS;
      return answer;
    },
    count: (outcome) => counts.push(outcome),
    async canReachServer() {
      looks.push((clock.now() - startedAt) / SECOND_MS);
      return state.isReachable;
    },
    random: () => 0.5,
  });
  // Not awaited: a renewal that is stuck never ends.
  context.after(() => void renewals.stop());
  /** Replaces the outcome of all renewals that follow. */
  function answer(renewal: Renewal): void {
    later = renewal;
  }
  return { clock, lines, runs, looks, counts, state, renewals, answer };
}

test("createRenewals() renews when the stored credentials are due, and not before", async (context) => {
  const { clock, runs, state, renewals, counts } = setUp(context, { outcome: "renewed" });
  state.renewAt = clock.now() + 10 * MINUTE_MS;
  renewals.start();
  await clock.advance(10 * MINUTE_MS - 1);
  assert.deepEqual(runs, []);
  await clock.advance(1);
  assert.deepEqual(runs, [600]);
  await clock.advance(30 * MINUTE_MS);
  assert.deepEqual(runs, [600, 2_400]);
  assert.deepEqual(counts, ["renewed", "renewed"]);
});

test("createRenewals() notices within 30 s that the node was suspended", async (context) => {
  const { clock, runs, state, renewals } = setUp(context, { outcome: "renewed" });
  state.renewAt = clock.now() + 10 * MINUTE_MS;
  renewals.start();
  await clock.advance(MINUTE_MS);
  state.renewAt = clock.now() - 5 * MINUTE_MS;
  await clock.advance(30 * SECOND_MS);
  assert.equal(runs.length, 1);
});

test("createRenewals() waits from 1 s to 60 s between failures while all credentials are valid", async (context) => {
  const { clock, runs, state, renewals } = setUp(context, failed("SERVER_UNREACHABLE"));
  state.renewAt = 1;
  renewals.start();
  await clock.advance(5 * MINUTE_MS);
  assert.deepEqual(runs, [0, 1, 3, 7, 15, 31, 63, 123, 183, 243]);
});

test("createRenewals() repeats a failure from 250 ms to 2.5 s while a pod waits for its first credentials", async (context) => {
  const { clock, runs, state, renewals } = setUp(context, failed("STS_UNAVAILABLE"));
  state.ready = false;
  renewals.start();
  await clock.advance(10 * SECOND_MS);
  assert.deepEqual(runs, [0, 0.25, 0.75, 1.75, 3.75, 6.25, 8.75]);
});

test("createRenewals() renews at most 120 times in an hour of an outage, however often apps request credentials", async (context) => {
  const { clock, runs, renewals } = setUp(context, failed("STS_UNAVAILABLE"));
  renewals.start();
  for (let second = 0; second < 3_900; second++) {
    renewals.renewNow();
    await clock.advance(SECOND_MS);
  }
  const inHour = runs.filter((seconds) => seconds >= 300).length;
  assert.ok(inHour > 90 && inHour <= 120, `${inHour} renewals`);
});

for (const [outageMs, withinMs] of [
  [MINUTE_MS, 5 * SECOND_MS],
  [60 * MINUTE_MS, 40 * SECOND_MS],
] as const) {
  const times = `${withinMs / SECOND_MS} s after an outage of STS of ${outageMs / MINUTE_MS} min`;
  test(`createRenewals() has credentials within ${times}`, async (context) => {
    const { clock, runs, answer, renewals } = setUp(context, failed("STS_UNAVAILABLE"));
    renewals.start();
    await clock.advance(outageMs);
    const before = runs.length;
    answer({ outcome: "renewed" });
    await clock.advance(withinMs);
    assert.equal(runs.length, before + 1);
  });
}

test("createRenewals() renews once in 36 s while the server is away, and within 3 s of its return", async (context) => {
  const { clock, runs, looks, state, answer, renewals } = setUp(context, failed("SERVER_UNREACHABLE"));
  state.isReachable = false;
  renewals.start();
  await clock.advance(60 * MINUTE_MS);
  assert.ok(runs.length <= 101, `${runs.length} renewals`);
  assert.ok(looks.length >= 1_200 && looks.length <= 1_800, `${looks.length} connections`);
  const before = runs.length;
  state.isReachable = true;
  answer({ outcome: "renewed" });
  await clock.advance(3 * SECOND_MS);
  assert.equal(runs.length, before + 1);
  const looked = looks.length;
  await clock.advance(10 * MINUTE_MS);
  assert.equal(looks.length, looked, "nobody looks for a server that answers");
});

test("createRenewals() looks for no server while all credentials are valid", async (context) => {
  const { clock, looks, state, renewals } = setUp(context, failed("SERVER_UNREACHABLE"));
  state.isReachable = false;
  state.renewAt = 1;
  renewals.start();
  await clock.advance(10 * MINUTE_MS);
  assert.deepEqual(looks, []);
});

test("createRenewals() keeps to 120 renewals in an hour with a server that comes and goes", async (context) => {
  const { clock, runs, state, renewals } = setUp(context, failed("SERVER_UNREACHABLE"));
  renewals.start();
  for (let second = 0; second < 3_900; second += 4) {
    state.isReachable = !state.isReachable;
    renewals.renewNow();
    await clock.advance(4 * SECOND_MS);
  }
  const inHour = runs.filter((seconds) => seconds >= 300).length;
  assert.ok(inHour <= 120, `${inHour} renewals`);
});

test("createRenewals() counts a renewal whose credentials it cannot read as failed", async (context) => {
  const { clock, runs, state, counts, renewals } = setUp(context, { outcome: "renewed" });
  state.isUnreadable = true;
  renewals.start();
  await clock.advance(5 * MINUTE_MS);
  const { length } = runs;
  await clock.advance(60 * MINUTE_MS);
  assert.ok(runs.length - length <= 120);
  assert.deepEqual(new Set(counts), new Set(["failed"]));
  assert.equal(renewals.failure()?.code, "INTERNAL");
});

test("createRenewals() waits for the retry-after time of the server", async (context) => {
  const { clock, runs, renewals } = setUp(context, failed("STS_THROTTLED", 20 * SECOND_MS), { outcome: "renewed" });
  renewals.start();
  await clock.advance(0);
  renewals.renewNow();
  await clock.advance(20 * SECOND_MS - 1);
  assert.deepEqual(runs, [0]);
  await clock.advance(1);
  assert.deepEqual(runs, [0, 20]);
});

test("createRenewals() renews once per minute after a permanent refusal", async (context) => {
  const { clock, runs, renewals } = setUp(context, failed("ROLE_FORBIDDEN"));
  renewals.start();
  await clock.advance(2 * MINUTE_MS);
  assert.deepEqual(runs, [0, 60, 120]);
});

test("renewNow() never shortens the wait after a failure", async (context) => {
  const { clock, runs, renewals } = setUp(context, failed("STS_UNAVAILABLE"));
  renewals.start();
  await clock.advance(SECOND_MS);
  assert.deepEqual(runs, [0, 1]);
  for (let request = 0; request < 100; request++) renewals.renewNow();
  assert.equal(renewals.nextInMs(), 2 * SECOND_MS);
  await clock.advance(2 * SECOND_MS);
  assert.deepEqual(runs, [0, 1, 3]);
});

test("renewNow() starts the next renewal at least 10 s after a permanent refusal", async (context) => {
  const { clock, runs, renewals } = setUp(context, failed("STS_DENIED"), { outcome: "renewed" });
  renewals.start();
  await clock.advance(0);
  renewals.renewNow();
  await clock.advance(10 * SECOND_MS - 1);
  assert.deepEqual(runs, [0]);
  await clock.advance(1);
  assert.deepEqual(runs, [0, 10]);
  assert.equal(renewals.failure(), undefined);
});

test("createRenewals() waits no longer after a failure although the wall clock was set back by hours, and not less", async (context) => {
  const { clock, runs, renewals } = setUp(context, failed("STS_THROTTLED", 20 * SECOND_MS), { outcome: "renewed" });
  renewals.start();
  await clock.advance(0);
  clock.step(-2 * 60 * MINUTE_MS);
  await clock.advance(20 * SECOND_MS - 1);
  assert.equal(runs.length, 1);
  await clock.advance(SECOND_MS);
  assert.equal(runs.length, 2);
});

test("createRenewals() continues after the wall clock was set back", async (context) => {
  const { clock, runs, renewals, state } = setUp(context, failed("SERVER_UNREACHABLE"), { outcome: "renewed" });
  renewals.start();
  await clock.advance(0);
  assert.deepEqual(runs, [0]);
  const yesterday = clock.now() - 24 * 60 * MINUTE_MS;
  clock.now = () => yesterday;
  await clock.advance(SECOND_MS);
  assert.equal(runs.length, 2);
  assert.ok(state.renewAt > 0);
});

test("createRenewals() runs one renewal at a time, and reports when one is stuck", async (context) => {
  const { clock, runs, renewals } = setUp(context, new Promise<Renewal>(() => {}));
  renewals.start();
  for (let minute = 0; minute < 2; minute++) {
    assert.equal(renewals.isStuck(), false);
    renewals.renewNow();
    await clock.advance(MINUTE_MS);
  }
  await clock.advance(MINUTE_MS);
  assert.equal(renewals.isStuck(), true);
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
  await clock.advance(5 * MINUTE_MS);
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
    store: { renewAt: () => 0, isReady: () => true, reload() {}, observe() {} },
    run: () => Promise.reject(new TypeError(`run ${++runs}`)),
    count() {},
  });
  context.after(() => renewals.stop());
  renewals.start();
  await clock.advance(2 * SECOND_MS);
  assert.equal(runs, 2);
  assert.equal(renewals.failure()?.code, "INTERNAL");
});

test("stop() ends the running renewal and starts no other", async () => {
  const clock = createFakeClock();
  let aborted = false;
  const renewals = createRenewals({
    clock,
    log: createKeptLog().log,
    store: { renewAt: () => 0, isReady: () => true, reload() {}, observe() {} },
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
  await clock.advance(MINUTE_MS);
});
