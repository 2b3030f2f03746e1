// Virtual time: the checks that a program's clock leaves out find nothing, whatever happens to the clock.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { fc } from "../property.ts";
import { useStandIns } from "./stand-ins.ts";
import type { ProgramClock } from "./timeline.ts";

useStandIns({ hasRealCryptography: false });
const { createDueTask, dueAfter } = await import("../../src/runtime/due.ts");
const { createProgram, createTimeline } = await import("./timeline.ts");

/** Something that happens to the program, `afterMs` after the event before. */
interface ClockEvent {
  readonly afterMs: number;
  readonly kind: "step" | "suspend" | "stop";
  /** Of the step, or until the program runs again. */
  readonly ms: number;
}

const HOUR_MS = 3_600_000;
const ENDS_AT = 12 * HOUR_MS;

const clockEvent: fc.Arbitrary<ClockEvent> = fc.record({
  afterMs: fc.integer({ min: 1, max: HOUR_MS }),
  kind: fc.constantFrom("step", "suspend", "stop"),
  ms: fc.integer({ min: 1, max: 3 * HOUR_MS }),
});

/** Returns the clock with all checks that a real one makes. */
function withAllChecks(clock: ProgramClock): ProgramClock {
  return { ...clock, scheduleCheck: (check, ms, intervalMs) => clock.schedule(check, Math.min(ms, intervalMs)) };
}

/** Runs a task that is due again and again; returns the times of its runs, and the number of events. */
async function runTask(waits: readonly number[], events: readonly ClockEvent[], hasAllChecks: boolean) {
  const timeline = createTimeline({ isExact: true });
  const program = createProgram(timeline, "program");
  const clock = hasAllChecks ? withAllChecks(program.clock) : program.clock;
  const runs: number[] = [];
  const due = createDueTask({ clock, onError: assert.ifError }, { minIntervalMs: 0 }, () => {
    runs.push(timeline.now());
    due.set(dueAfter(clock, waits[runs.length % waits.length] ?? HOUR_MS));
  });
  due.set(dueAfter(clock, waits[0] ?? HOUR_MS));
  let at = 0;
  for (const [index, { afterMs, kind, ms }] of events.entries()) {
    at += afterMs;
    timeline.after(at, () => {
      if (kind === "step") return program.step(index % 2 === 0 ? ms : -ms);
      program.pause();
      timeline.after(ms, () => program.resume(kind === "suspend"));
    });
  }
  await timeline.runUntil(ENDS_AT);
  return { runs, events: timeline.events() };
}

suite("simulate: timeline", () => {
  test("afterAbout() lets events share times, and is late by at most 5 % or 10 ms", async () => {
    const timeline = createTimeline();
    const times = new Set<number>();
    const delays = Array.from({ length: 2_000 }, (_, at) => Math.round(1.01 ** at % (12 * HOUR_MS)));
    for (const delayMs of delays) {
      timeline.afterAbout(delayMs, () => {
        times.add(timeline.now());
        const lateMs = timeline.now() - delayMs;
        assert.ok(lateMs >= 0 && lateMs <= Math.max(10, 0.05 * delayMs), `${delayMs} ms, ${lateMs} ms late`);
      });
    }
    await timeline.runUntil(24 * HOUR_MS);
    assert.equal(timeline.events(), delays.length);
    assert.ok(times.size < delays.length / 2, `${times.size} times`);
  });

  test("scheduleCheck() lets a task run when it would run with a check each 30 s", async () => {
    const waits = fc.array(fc.integer({ min: 1_000, max: 2 * HOUR_MS }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(waits, fc.array(clockEvent, { maxLength: 8 }), async (delays, events) => {
        const [all, few] = [await runTask(delays, events, true), await runTask(delays, events, false)];
        assert.equal(few.runs.length, all.runs.length);
        // A check that was missed while the program was stopped runs 1 ms after it continues, as a new timer does.
        for (const [at, time] of few.runs.entries()) assert.ok(Math.abs(time - (all.runs[at] ?? 0)) <= 1 + at);
      }),
      { numRuns: 50 },
    );
  });

  test("scheduleCheck() runs a check at the next whole interval after the clock was set", async () => {
    const timeline = createTimeline({ isExact: true });
    const program = createProgram(timeline, "program");
    const runs: number[] = [];
    program.clock.scheduleCheck(() => runs.push(timeline.now()), HOUR_MS, 5_000);
    program.clock.scheduleCheck(() => runs.push(timeline.now()), HOUR_MS, 30_000);
    timeline.after(601_000, () => program.step(HOUR_MS));
    await timeline.runUntil(ENDS_AT);
    assert.deepEqual(runs, [605_000, 630_000]);
  });

  test("scheduleCheck() needs few events while nothing happens to the clock", async () => {
    const { events } = await runTask([HOUR_MS], [], false);
    assert.ok(events <= 2 * (ENDS_AT / HOUR_MS), `${events} events`);
  });
});
