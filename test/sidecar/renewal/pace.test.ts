// How soon renewals follow one that did not succeed, on a fake clock.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ErrorCode } from "../../../src/protocol/errors.ts";
import { HOUR_MS, MINUTE_MS, SECOND_MS } from "../../../src/runtime/clock.ts";
import type { PaceState } from "../../../src/sidecar/files/pace-file.ts";
import type { Renewal } from "../../../src/sidecar/renewal/outcome.ts";
import { createPace, type RetryWaits } from "../../../src/sidecar/renewal/pace.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { fc } from "../../property.ts";

const RENEWED: Renewal = { outcome: "renewed" };

function failed(code: ErrorCode, retryAfterMs = 0): Renewal {
  return { outcome: "failed", code, message: "", retryAfterMs };
}

/** Renews as long as `untilMs` says, each time after one of the waits; returns the times of all renewals. */
async function renewals(
  { random = () => 0.5, isReady = true }: { readonly random?: () => number; readonly isReady?: boolean },
  untilMs: number,
  wait: (waits: RetryWaits) => number = ({ urgentMs }) => urgentMs,
  code: ErrorCode = "STS_UNAVAILABLE",
) {
  const clock = createFakeClock();
  const pace = createPace({ clock, random });
  const startedAt = clock.now();
  const times: number[] = [];
  for (;;) {
    const time = clock.now() - startedAt;
    if (time > untilMs) return times;
    times.push(time);
    pace.begin();
    const waits = pace.end(failed(code), { isReady });
    assert.ok(waits);
    await clock.advance(Math.ceil(wait(waits)));
  }
}

function gaps(times: readonly number[]): readonly number[] {
  return times.slice(1).map((time, index) => time - (times[index] ?? 0));
}

test("createPace() renews every 2 to 3 s in the first minute of an outage, after a shorter first wait", async () => {
  assert.deepEqual(gaps(await renewals({}, 10 * SECOND_MS)).slice(0, 4), [1_000, 2_000, 2_500, 2_500]);
  assert.deepEqual(
    gaps(await renewals({ isReady: false }, 10 * SECOND_MS)).slice(0, 6),
    [250, 500, 1_000, 2_000, 2_500, 2_500],
  );
  for (const gap of gaps(await renewals({ random: Math.random }, MINUTE_MS)).slice(2))
    assert.ok(gap >= 2_000 && gap <= 3_001, `${gap}`);
});

test("createPace() renews at most 120 times in an hour once an outage has lasted five minutes, and never waits more than 38 s", async () => {
  await fc.assert(
    fc.asyncProperty(fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })), async (stream) => {
      const times = await renewals({ random: () => Number(stream.next().value) }, 3 * HOUR_MS);
      assert.ok(Math.max(...gaps(times)) <= 38 * SECOND_MS);
      for (const from of times.filter((time) => time >= 5 * MINUTE_MS)) {
        const inHour = times.filter((time) => time >= from && time < from + HOUR_MS).length;
        assert.ok(inHour <= 120, `${inHour} renewals`);
      }
    }),
    { numRuns: 20 },
  );
});

test("createPace() renews at most 120 times in an hour whatever decides which of its waits counts", async () => {
  const waits = fc.infiniteStream(
    fc.constantFrom<keyof RetryWaits>("urgentMs", "unhurriedMs", "requestedMs", "awayMs"),
  );
  const codes = fc.constantFrom<ErrorCode>("SERVER_UNREACHABLE", "STS_DENIED");
  await fc.assert(
    fc.asyncProperty(waits, codes, fc.boolean(), async (stream, code, isReady) => {
      const times = await renewals(
        { random: Math.random, isReady },
        3 * HOUR_MS,
        (all) => all[stream.next().value as keyof RetryWaits],
        code,
      );
      for (const from of times.filter((time) => time >= 5 * MINUTE_MS)) {
        assert.ok(times.filter((time) => time >= from && time < from + HOUR_MS).length <= 120);
      }
    }),
    { numRuns: 20 },
  );
});

test("createPace() renews quickly again after a time in which it saved renewals", async () => {
  const clock = createFakeClock();
  const pace = createPace({ clock, random: () => 0.5 });
  let waits: RetryWaits | undefined;
  for (let index = 0; index < 100; index++) {
    pace.begin();
    waits = pace.end(failed("SERVER_UNREACHABLE"), { isReady: true });
    await clock.advance(waits?.awayMs ?? 0);
  }
  for (let index = 0; index < 15; index++) {
    pace.begin();
    waits = pace.end(failed("SERVER_UNREACHABLE"), { isReady: true });
    assert.equal(waits?.urgentMs, 2_500);
    await clock.advance(2_500);
  }
});

test("createPace() doubles the wait from 1 s to a minute while all credentials are valid", async () => {
  const times = await renewals({}, 4 * MINUTE_MS, ({ unhurriedMs }) => unhurriedMs);
  assert.deepEqual(
    gaps(times).map((gap) => gap / SECOND_MS),
    [1, 2, 4, 8, 16, 32, 60, 60],
  );
});

test("createPace() waits a minute after a permanent refusal, or 10 s if an app requests credentials", () => {
  const pace = createPace({ clock: createFakeClock(), random: () => 0.5 });
  pace.begin();
  const waits = pace.end(failed("STS_DENIED"), { isReady: true });
  assert.deepEqual(waits, {
    unhurriedMs: MINUTE_MS,
    urgentMs: MINUTE_MS,
    requestedMs: 10 * SECOND_MS,
    awayMs: MINUTE_MS,
  });
});

test("createPace() waits at least as long as the server asked", () => {
  const pace = createPace({ clock: createFakeClock(), random: () => 0.5 });
  pace.begin();
  const waits = pace.end(failed("STS_THROTTLED", 90 * SECOND_MS), { isReady: true });
  assert.deepEqual(new Set(Object.values(waits ?? {})), new Set([90 * SECOND_MS]));
});

test("createPace() doubles what an overloaded server asked for up to 16 s, but not what STS asked for", () => {
  const waitsAfter = (code: ErrorCode) => {
    const pace = createPace({ clock: createFakeClock(), random: () => 0.5 });
    return Array.from({ length: 5 }, () => pace.end(failed(code, 4 * SECOND_MS), { isReady: true })?.urgentMs);
  };
  assert.deepEqual(waitsAfter("SERVER_OVERLOADED"), [4_000, 8_000, 16_000, 16_000, 16_000]);
  assert.deepEqual(waitsAfter("STS_THROTTLED"), [4_000, 4_000, 4_000, 4_000, 4_000]);
});

test("createPace() spreads the pods that wait longest for an overloaded server over 16 s", () => {
  const waitOf = (random: number) => {
    const pace = createPace({ clock: createFakeClock(), random: () => random });
    for (let failures = 0; failures < 9; failures++)
      pace.end(failed("SERVER_OVERLOADED", 4 * SECOND_MS), { isReady: true });
    return pace.end(failed("SERVER_OVERLOADED", 4 * SECOND_MS), { isReady: true })?.urgentMs;
  };
  assert.deepEqual([waitOf(0), waitOf(1)], [8 * SECOND_MS, 24 * SECOND_MS]);
});

test("createPace() begins anew after a success", async () => {
  const clock = createFakeClock();
  const saved: (PaceState | undefined)[] = [];
  const store = { load: () => undefined, save: (state: PaceState | undefined) => saved.push(state) };
  const pace = createPace({ clock, random: () => 0.5, store });
  for (let index = 0; index < 100; index++) {
    pace.begin();
    await clock.advance(pace.end(failed("STS_UNAVAILABLE"), { isReady: true })?.urgentMs ?? 0);
  }
  assert.equal(pace.failures(), 100);
  pace.begin();
  assert.equal(pace.end(RENEWED, { isReady: true }), undefined);
  assert.equal(saved.at(-1), undefined);
  assert.equal(pace.failures(), 0);
  pace.begin();
  assert.equal(pace.end(failed("STS_UNAVAILABLE"), { isReady: true })?.urgentMs, SECOND_MS);
});

test("createPace() renews at most 120 times in an hour in a container that restarts every 30 s to 5 minutes", async () => {
  const clock = createFakeClock();
  const startedAt = clock.now();
  const times: number[] = [];
  let stored: PaceState | undefined;
  const store = {
    load: () => stored,
    save(state: PaceState | undefined) {
      stored = state;
    },
  };
  for (
    let backOffMs = 10 * SECOND_MS;
    clock.now() - startedAt < 2 * HOUR_MS;
    backOffMs = Math.min(2 * backOffMs, 5 * MINUTE_MS)
  ) {
    const pace = createPace({ clock, random: Math.random, store });
    for (const end = clock.now() + 30 * SECOND_MS; clock.now() < end; ) {
      times.push(clock.now() - startedAt);
      pace.begin();
      await clock.advance(pace.end(failed("STS_UNAVAILABLE"), { isReady: false })?.urgentMs ?? 0);
    }
    await clock.advance(backOffMs);
  }
  const inHour = times.filter((time) => time >= 5 * MINUTE_MS && time < 5 * MINUTE_MS + HOUR_MS).length;
  assert.ok(inHour <= 120, `${inHour} renewals`);
});

test("createPace() waits no longer than usual after the wall clock was set back", async () => {
  const clock = createFakeClock();
  const pace = createPace({ clock, random: () => 0.5 });
  for (let index = 0; index < 100; index++) {
    pace.begin();
    await clock.advance(pace.end(failed("STS_UNAVAILABLE"), { isReady: true })?.urgentMs ?? 0);
  }
  const yesterday = clock.now() - 24 * HOUR_MS;
  clock.now = () => yesterday;
  pace.begin();
  assert.ok((pace.end(failed("STS_UNAVAILABLE"), { isReady: true })?.urgentMs ?? HOUR_MS) <= 38 * SECOND_MS);
});

for (const [direction, stepMs] of [
  ["ahead", 2 * HOUR_MS],
  ["back", -2 * HOUR_MS],
] as const) {
  test(`createPace() renews every 2 to 3 s after a clock that was hours ${direction} has been set right`, async () => {
    const clock = createFakeClock();
    const pace = createPace({ clock, random: () => 0.5 });
    async function fail(): Promise<number> {
      pace.begin();
      const { urgentMs = 0 } = pace.end(failed("SERVER_UNTRUSTED"), { isReady: true }) ?? {};
      await clock.advance(urgentMs);
      return urgentMs;
    }
    clock.step(stepMs);
    for (let index = 0; index < 4; index++) await fail();
    clock.step(-stepMs);
    assert.deepEqual([await fail(), await fail(), await fail()], [2_500, 2_500, 2_500]);
  });
}

test("createPace() renews every 2 to 3 s in a container that restarts after its clock was set back", async () => {
  const clock = createFakeClock();
  const saved: (PaceState | undefined)[] = [];
  const store = { load: () => saved.at(-1), save: (state: PaceState | undefined) => saved.push(state) };
  for (const stepMs of [0, -2 * HOUR_MS]) {
    clock.step(stepMs);
    const pace = createPace({ clock, random: () => 0.5, store });
    for (let index = 0; index < 4; index++) {
      pace.begin();
      const { urgentMs = 0 } = pace.end(failed("SERVER_UNTRUSTED"), { isReady: true }) ?? {};
      assert.ok(urgentMs <= 2_500, `${urgentMs}`);
      await clock.advance(urgentMs);
    }
  }
});

test("createPace() obeys a server's request to wait for two minutes at most", () => {
  const clock = createFakeClock();
  const waitsOf = (retryAfterMs: number) =>
    createPace({ clock, random: () => 0.5 }).end(failed("STS_THROTTLED", retryAfterMs), { isReady: true });
  assert.equal(waitsOf(45 * SECOND_MS)?.urgentMs, 45 * SECOND_MS);
  const { unhurriedMs = 0, urgentMs = 0, requestedMs = 0, awayMs = 0 } = waitsOf(7_201 * SECOND_MS) ?? {};
  assert.deepEqual(new Set([unhurriedMs, urgentMs, requestedMs, awayMs]), new Set([2 * MINUTE_MS]));
});
