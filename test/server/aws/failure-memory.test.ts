import assert from "node:assert/strict";
import { test } from "node:test";
import { PodroleError } from "../../../src/protocol/errors.ts";
import { createFailureMemory } from "../../../src/server/aws/failure-memory.ts";
import { createFakeClock } from "../../fakes/clock.ts";

const DENIED = new PodroleError("STS_DENIED", "no");
const INVALID = new PodroleError("STS_INVALID", "no");
const THROTTLED = new PodroleError("STS_THROTTLED", "later", { retryAfterMs: 4_000 });

function setUp() {
  const clock = createFakeClock();
  const memory = createFailureMemory({ clock });
  /** Seconds for which the memory repeats its error. */
  async function repeatedFor(circumstances = "pod"): Promise<number> {
    for (let seconds = 0; ; seconds++) {
      if (memory.recall(circumstances) === undefined) return seconds;
      await clock.advance(1_000);
    }
  }
  return { clock, memory, repeatedFor };
}

test("remember() repeats a refusal for 15 s, and longer each time, up to 2 minutes", async () => {
  const { memory, repeatedFor } = setUp();
  const waits: number[] = [];
  for (let time = 0; time < 6; time++) {
    memory.remember(DENIED, ["pod"]);
    waits.push(await repeatedFor());
  }
  assert.deepEqual(waits, [15, 30, 60, 120, 120, 120]);
});

test("remember() begins again with 15 s for another reason, and after a success", async () => {
  const { memory, repeatedFor } = setUp();
  for (let time = 0; time < 3; time++) memory.remember(DENIED, ["pod"]);
  memory.remember(INVALID, ["pod"]);
  assert.equal(await repeatedFor(), 15);
  memory.remember(INVALID, ["pod"]);
  memory.forget();
  assert.equal(memory.recall("pod"), undefined);
  memory.remember(INVALID, ["pod"]);
  assert.equal(await repeatedFor(), 15);
});

test("remember() counts a refusal as repeated although a retryable error came between", async () => {
  const { memory, repeatedFor } = setUp();
  memory.remember(DENIED, ["pod"]);
  await repeatedFor();
  memory.remember(THROTTLED, ["pod"]);
  assert.equal(await repeatedFor(), 4);
  memory.remember(DENIED, ["pod"]);
  assert.equal(await repeatedFor(), 30);
});

test("remember() repeats an error that a retry may cure for 2.4 s at most, however long an outage lasts", async () => {
  const { clock, memory } = setUp();
  for (let failures = 0; failures < 20; failures++) {
    memory.remember(new PodroleError("STS_UNAVAILABLE", "STS is down"), ["pod"]);
    assert.equal(memory.recall("pod")?.code, "STS_UNAVAILABLE");
    await clock.advance(2_400);
    assert.equal(memory.recall("pod"), undefined);
  }
});

test("recall() does not repeat a refusal to a pod in other circumstances, but a retryable error to every pod", () => {
  const { memory } = setUp();
  memory.remember(DENIED, ["pod", "its twin"]);
  assert.deepEqual(memory.recall("its twin"), DENIED);
  assert.equal(memory.recall("changed"), undefined);
  memory.remember(THROTTLED, ["changed"]);
  assert.deepEqual(memory.recall("changed"), THROTTLED);
  assert.deepEqual(memory.recall("pod"), DENIED);
});

test("recall() repeats an error for its time although the wall clock is set back, and not after a suspension", async () => {
  const { clock, memory, repeatedFor } = setUp();
  memory.remember(DENIED, ["pod"]);
  clock.step(-7_200_000);
  assert.equal(await repeatedFor(), 15);
  memory.remember(DENIED, ["pod"]);
  clock.suspend(30_000);
  assert.equal(memory.recall("pod"), undefined);
});

test("recall() returns no cause, which would keep the SDK's exception and its response in memory", () => {
  const { memory } = setUp();
  const cause = Object.assign(new Error("denied"), { $response: { body: "x".repeat(1_000) } });
  memory.remember(new PodroleError("STS_DENIED", "no", { cause }), ["pod"]);
  assert.deepEqual([memory.recall("pod")?.message, memory.recall("pod")?.cause], ["no", undefined]);
  memory.remember(new PodroleError("STS_THROTTLED", "later", { cause, retryAfterMs: 4_000 }), ["other"]);
  const repeated = memory.recall("other");
  assert.deepEqual([repeated?.retryAfterMs, repeated?.cause], [4_000, undefined]);
});

test("isInUse() is true while a repetition still counts", async () => {
  const { clock, memory } = setUp();
  assert.equal(memory.isInUse(), false);
  memory.remember(DENIED, ["pod"]);
  await clock.advance(300_000);
  assert.equal(memory.isInUse(), true);
  await clock.advance(120_000);
  assert.equal(memory.isInUse(), false);
});
