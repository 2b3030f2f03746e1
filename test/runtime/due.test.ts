import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../src/runtime/clock.ts";
import { createDueTask, type DueTime, dueAfter, isDue, untilDueMs } from "../../src/runtime/due.ts";
import { MAX_CHECK_INTERVAL_MS } from "../../src/runtime/next-check.ts";
import { createFakeClock } from "../fakes/clock.ts";
import { fc } from "../property.ts";

/** A task that records the elapsed time of its runs. `again`: the delay that it sets at each run. */
function setUp({ minIntervalMs = SECOND_MS, again }: { minIntervalMs?: number; again?: number } = {}) {
  const clock = createFakeClock();
  const runs: number[] = [];
  const errors: unknown[] = [];
  const due = createDueTask({ clock, onError: (error) => errors.push(error) }, { minIntervalMs }, () => {
    runs.push(clock.elapsedMs());
    if (again !== undefined) due.set(dueAfter(clock, again));
  });
  return { clock, runs, errors, due };
}

suite("untilDueMs()", () => {
  test("counts on the clock that reaches the time first", () => {
    const clock = createFakeClock();
    const time = dueAfter(clock, HOUR_MS);
    assert.equal(untilDueMs(clock, time), HOUR_MS);
    clock.step(-2 * HOUR_MS);
    assert.equal(untilDueMs(clock, time), HOUR_MS);
    clock.step(2 * HOUR_MS + MINUTE_MS);
    assert.equal(untilDueMs(clock, time), HOUR_MS - MINUTE_MS);
    assert.equal(isDue(clock, time), false);
    clock.suspend(HOUR_MS);
    assert.equal(isDue(clock, time), true);
  });
});

suite("createDueTask()", () => {
  test("runs its task once, when the time has come", async () => {
    const { clock, runs, due } = setUp();
    due.set(dueAfter(clock, HOUR_MS));
    await clock.advance(HOUR_MS - 1);
    assert.deepEqual(runs, []);
    await clock.advance(HOUR_MS);
    assert.deepEqual(runs, [HOUR_MS]);
  });

  test("runs its task within 30 s after the machine was suspended beyond the time", async () => {
    const { clock, runs, due } = setUp();
    due.set(dueAfter(clock, HOUR_MS));
    clock.suspend(2 * HOUR_MS);
    await clock.advance(MAX_CHECK_INTERVAL_MS);
    assert.equal(runs.length, 1);
  });

  test("runs its task at the time although the wall clock is set back by hours", async () => {
    const { clock, runs, due } = setUp();
    due.set(dueAfter(clock, HOUR_MS));
    clock.step(-5 * HOUR_MS);
    await clock.advance(HOUR_MS);
    assert.deepEqual(runs, [HOUR_MS]);
  });

  test("runs its task once after the process was stopped, however long", async () => {
    const { clock, runs, due } = setUp();
    due.set(dueAfter(clock, HOUR_MS));
    await clock.stop(48 * HOUR_MS);
    await clock.advance(HOUR_MS);
    assert.deepEqual(runs, [48 * HOUR_MS]);
  });

  test("keeps the minimum interval when a task sets a time in the past", async () => {
    const { clock, runs, due } = setUp({ minIntervalMs: 10 * SECOND_MS, again: -HOUR_MS });
    due.set(dueAfter(clock, -HOUR_MS));
    await clock.advance(MINUTE_MS);
    assert.deepEqual(runs, [1, 10_001, 20_001, 30_001, 40_001, 50_001]);
  });

  test("reports a task that throws, and runs it again after 30 s", async () => {
    const clock = createFakeClock();
    const errors: unknown[] = [];
    let runs = 0;
    const due = createDueTask({ clock, onError: (error) => errors.push(error) }, { minIntervalMs: SECOND_MS }, () => {
      runs += 1;
      if (runs < 3) throw new TypeError(`run ${runs}`);
    });
    due.set(dueAfter(clock, 0));
    await clock.advance(10 * MINUTE_MS);
    assert.equal(runs, 3);
    assert.deepEqual(errors.map(String), ["TypeError: run 1", "TypeError: run 2"]);
  });

  test("runs nothing after cancel(), and again after the next set()", async () => {
    const { clock, runs, due } = setUp();
    due.set(dueAfter(clock, MINUTE_MS));
    due.cancel();
    await clock.advance(HOUR_MS);
    assert.deepEqual(runs, []);
    due.set(dueAfter(clock, MINUTE_MS));
    await clock.advance(HOUR_MS);
    assert.equal(runs.length, 1);
  });
});

type Step =
  | { readonly kind: "advance" | "step" | "suspend" | "stop"; readonly ms: number }
  | { readonly kind: "set"; readonly ms: number };

const STEPS: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constant("advance" as const), ms: fc.integer({ min: 0, max: 5 * MINUTE_MS }) }),
  fc.record({ kind: fc.constant("step" as const), ms: fc.integer({ min: -5 * HOUR_MS, max: 5 * HOUR_MS }) }),
  fc.record({ kind: fc.constant("suspend" as const), ms: fc.integer({ min: 0, max: 5 * HOUR_MS }) }),
  fc.record({ kind: fc.constant("stop" as const), ms: fc.integer({ min: 0, max: 5 * HOUR_MS }) }),
  fc.record({ kind: fc.constant("set" as const), ms: fc.integer({ min: -HOUR_MS, max: 3 * HOUR_MS }) }),
);

suite("createDueTask(), whatever happens to the clocks,", () => {
  const OPTIONS = fc.record({
    minIntervalMs: fc.integer({ min: SECOND_MS, max: MAX_CHECK_INTERVAL_MS }),
    again: fc.option(fc.integer({ min: -HOUR_MS, max: HOUR_MS }), { nil: undefined }),
  });

  /**
   * Runs the steps; `time` is what the task waits for, and `overdueMs` is how long the process has run since `time` was
   * due on either clock.
   */
  async function play(
    { minIntervalMs, again }: { readonly minIntervalMs: number; readonly again: number | undefined },
    steps: readonly Step[],
  ) {
    const clock = createFakeClock();
    const runs: { readonly at: number; readonly wasDue: boolean; readonly lateMs: number }[] = [];
    let time: DueTime | undefined;
    let overdueMs = 0;
    let checkedAt = 0;
    /** Counts the time that has passed since the last call, if the process ran. */
    function account(isRunning: boolean): void {
      const passedMs = clock.elapsedMs() - checkedAt;
      checkedAt = clock.elapsedMs();
      if (time === undefined || !isRunning) return;
      overdueMs += Math.min(passedMs, Math.max(-untilDueMs(clock, time), 0));
    }
    function set(delayMs: number): void {
      time = dueAfter(clock, delayMs);
      overdueMs = 0;
      due.set(time);
    }
    const due = createDueTask({ clock, onError: () => assert.fail("the task throws") }, { minIntervalMs }, () => {
      account(true);
      runs.push({ at: clock.elapsedMs(), wasDue: time !== undefined && isDue(clock, time), lateMs: overdueMs });
      time = undefined;
      if (again !== undefined) set(again);
    });
    let overdueAtMost = 0;
    for (const { kind, ms } of steps) {
      if (kind === "set") set(ms);
      else if (kind === "stop") {
        const stopped = clock.stop(ms);
        account(false);
        await stopped;
      } else if (kind === "advance") await clock.advance(ms);
      else clock[kind](ms);
      account(true);
      overdueAtMost = Math.max(overdueAtMost, time === undefined ? 0 : overdueMs);
    }
    return { runs, overdueAtMost };
  }

  // Timers last at least a millisecond.
  const LATEST_MS = MAX_CHECK_INTERVAL_MS + 1;

  test("runs at most once in each minimum interval, never early, and at most 30 s late", async () => {
    await fc.assert(
      fc.asyncProperty(OPTIONS, fc.array(STEPS, { minLength: 1, maxLength: 12 }), async (options, steps) => {
        const { runs, overdueAtMost } = await play(options, steps);
        assert.ok(overdueAtMost <= LATEST_MS, `waits ${overdueAtMost} ms after it was due`);
        for (const [index, { at, wasDue, lateMs }] of runs.entries()) {
          assert.ok(wasDue, "ran early");
          assert.ok(lateMs <= LATEST_MS, `ran ${lateMs} ms late`);
          const before = runs[index - 1];
          if (before) assert.ok(at - before.at >= options.minIntervalMs, `ran ${at - before.at} ms after the last run`);
        }
      }),
      { numRuns: 150 },
    );
  });
});
