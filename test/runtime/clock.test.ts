import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { backoff, formatSeconds, jitter, repeat, sleep, untilAborted } from "../../src/runtime/clock.ts";
import { createFakeClock } from "../fakes/clock.ts";

suite("sleep()", () => {
  const SLEEPS: readonly (readonly [string, (controller: AbortController) => void, boolean])[] = [
    ["is pending before the delay has passed", () => {}, false],
    ["resolves when the signal aborts", (controller) => controller.abort(), true],
  ];
  for (const [state, act, expected] of SLEEPS) {
    test(state, async () => {
      const clock = createFakeClock();
      const controller = new AbortController();
      let ended = false;
      void sleep(clock, 1_000, controller.signal).then(() => {
        ended = true;
      });
      act(controller);
      await clock.advance(999);
      assert.equal(ended, expected);
    });
  }

  test("resolves within 30 s after the machine was suspended for longer than the delay", async () => {
    const clock = createFakeClock();
    const slept = sleep(clock, 3_600_000);
    clock.suspend(7_200_000);
    await clock.advance(30_000);
    await slept;
  });

  test("resolves after the delay although the wall clock is set back", async () => {
    const clock = createFakeClock();
    const slept = sleep(clock, 3_600_000);
    clock.step(-7_200_000);
    await clock.advance(3_600_000);
    await slept;
  });

  test("resolves after the delay, and at once if the signal is already aborted", async () => {
    const clock = createFakeClock();
    const slept = sleep(clock, 1_000);
    await clock.advance(1_000);
    await slept;
    await sleep(clock, 1_000, AbortSignal.abort());
  });
});

suite("untilAborted()", () => {
  test("resolves when the signal aborts", async () => {
    const controller = new AbortController();
    let ended = false;
    const waiting = untilAborted(controller.signal).then(() => {
      ended = true;
    });
    await Promise.resolve();
    assert.equal(ended, false);
    controller.abort();
    await waiting;
  });

  test("resolves at once for a signal that is already aborted", async () => {
    await untilAborted(AbortSignal.abort());
  });
});

/** Repeats a task that returns `waits` one after the other, then a minute; `runs` are the times, in milliseconds. */
function setUp(waits: number[], firstWaitMs?: number) {
  const clock = createFakeClock(0);
  const controller = new AbortController();
  const runs: number[] = [];
  const task = () => {
    runs.push(clock.now());
    return waits.shift() ?? 60_000;
  };
  const repetition = repeat({ clock, signal: controller.signal }, task, firstWaitMs);
  return { clock, controller, runs, repetition };
}

suite("repeat()", () => {
  test("runs at once and then after the wait that each run returns", async () => {
    const { clock, runs } = setUp([2_000, 5_000]);
    await clock.advance(7_500);
    assert.deepEqual(runs, [0, 2_000, 7_000]);
  });

  test("runs first after `firstWaitMs`", async () => {
    const { clock, runs } = setUp([], 10_000);
    await clock.advance(9_999);
    assert.deepEqual(runs, []);
    await clock.advance(1);
    assert.deepEqual(runs, [10_000]);
  });

  test("wake() ends the wait", async () => {
    const { clock, runs, repetition } = setUp([]);
    await clock.advance(1_000);
    repetition.wake();
    await clock.advance(0);
    assert.deepEqual(runs, [0, 1_000]);
  });

  test("wake() during a run makes the next one follow at once", async () => {
    const clock = createFakeClock(0);
    const controller = new AbortController();
    const gate = Promise.withResolvers<void>();
    let runs = 0;
    const { wake } = repeat({ clock, signal: controller.signal }, async () => {
      if (++runs === 1) await gate.promise;
      return 60_000;
    });
    wake();
    gate.resolve();
    await clock.advance(0);
    assert.equal(runs, 2);
  });

  test("waits at least 100 ms, however small the number is that a run returns", async () => {
    const { clock, runs } = setUp([0, -3_600_000]);
    await clock.advance(250);
    assert.deepEqual(runs, [0, 100, 200]);
  });

  test("ends when the signal aborts, without another run", async () => {
    const { clock, controller, runs, repetition } = setUp([1_000], 500);
    await clock.advance(600);
    controller.abort();
    await repetition.ended;
    await clock.advance(120_000);
    assert.deepEqual(runs, [500]);
  });

  test("never runs if the signal is already aborted", async () => {
    const clock = createFakeClock();
    await repeat({ clock, signal: AbortSignal.abort() }, () => assert.fail("it ran")).ended;
  });

  test("`ended` waits for the run that is under way", async () => {
    const clock = createFakeClock();
    const controller = new AbortController();
    const gate = Promise.withResolvers<number>();
    const happened: string[] = [];
    const { ended } = repeat({ clock, signal: controller.signal }, () =>
      gate.promise.finally(() => happened.push("run")),
    );
    const stopped = ended.then(() => happened.push("ended"));
    controller.abort();
    await clock.advance(0);
    assert.deepEqual(happened, []);
    gate.resolve(0);
    await stopped;
    assert.deepEqual(happened, ["run", "ended"]);
  });
});

for (const [random, factor] of [
  [0, 0.8],
  [0.5, 1],
  [1, 1.2],
] as const) {
  test(`jitter() multiplies by ${factor} when the random number is ${random}`, () => {
    assert.equal(Math.round(jitter(1_000, 0.2, () => random)), 1_000 * factor);
  });
}

for (const [attempt, expected] of [
  [0, 500],
  [1, 1_000],
  [2, 2_000],
  [4, 8_000],
  [5, 10_000],
  [5_000, 10_000],
] as const) {
  test(`backoff() waits ${expected} ms before attempt ${attempt} from 500 ms up to 10 s`, () => {
    assert.equal(
      backoff(attempt, 500, 10_000, () => 0.5),
      expected,
    );
  });
}

test("backoff() varies each delay by 20 %, also the longest", () => {
  const delays = [0, 1].map((random) => Math.round(backoff(9, 500, 10_000, () => random)));
  assert.deepEqual(delays, [8_000, 12_000]);
});

test("formatSeconds() rounds down to whole seconds", () => {
  assert.equal(formatSeconds(Date.UTC(2026, 10, 26, 1, 2, 3, 999)), "2026-11-26T01:02:03Z");
});
