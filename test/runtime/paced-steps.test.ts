import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { createPacedSteps } from "../../src/runtime/paced-steps.ts";
import { createFakeClock } from "../fakes/clock.ts";

/** Steps that use as much CPU time as they are told, in milliseconds, and when each has run. */
function createScene({ cores = 1 } = {}) {
  const clock = createFakeClock();
  let cpuMs = 0;
  const elapsedMs = () => clock.elapsedMs() + cpuMs / cores;
  const steps = createPacedSteps({ clock, cpuMs: () => cpuMs, nextTurn: setImmediate });
  const ran: string[] = [];
  const add = (caller: string, name: string, ms: number, precedes = false) => {
    const step = () => {
      ran.push(`${name} at ${elapsedMs()}`);
      cpuMs += ms;
    };
    return steps.add(caller, step, { precedes });
  };
  return { clock, ran, add };
}

suite("createPacedSteps()", () => {
  test("runs the first step in the next turn, and rests three times as long as each step took", async () => {
    const { clock, ran, add } = createScene();
    for (const name of ["first", "second", "third"]) add("one", name, 40);
    assert.deepEqual(ran, []);
    await clock.advance(0);
    assert.deepEqual(ran, ["first at 0"]);
    await clock.advance(119);
    assert.equal(ran.length, 1);
    await clock.advance(1);
    assert.deepEqual(ran.at(-1), "second at 160");
    await clock.advance(120);
    assert.deepEqual(ran.at(-1), "third at 320");
  });

  test("runs the steps of callers that precede others first, and still rests after each", async () => {
    const { clock, ran, add } = createScene();
    for (const caller of ["a", "b", "c"]) add(caller, caller, 10);
    add("known", "known", 10, true);
    await clock.advance(0);
    assert.deepEqual(ran, ["known at 0"]);
    add("known", "again", 10, true);
    await clock.advance(30);
    assert.deepEqual(ran.at(-1), "again at 40");
    await clock.advance(30);
    assert.deepEqual(ran.at(-1), "a at 80");
  });

  test("rests no longer when the process gets a quarter of a core and each step takes four times as long", async () => {
    const { clock, ran, add } = createScene({ cores: 1 / 4 });
    for (const name of ["first", "second"]) add("one", name, 40);
    await clock.advance(0);
    await clock.advance(119);
    assert.equal(ran.length, 1);
    await clock.advance(1);
    assert.deepEqual(ran, ["first at 0", "second at 280"]);
  });

  test("lets callers take turns, however many steps one of them has", async () => {
    const { clock, ran, add } = createScene();
    for (const name of ["a1", "a2", "a3"]) add("a", name, 1);
    add("b", "b1", 1);
    add("c", "c1", 1);
    await clock.advance(100);
    assert.deepEqual(
      ran.map((line) => line.split(" ")[0]),
      ["a1", "b1", "c1", "a2", "a3"],
    );
  });

  test("runs no step of a caller that has left, and does not rest for it", async () => {
    const { clock, ran, add } = createScene();
    add("one", "first", 40);
    const leave = add("one", "left", 40);
    add("two", "second", 40);
    leave();
    await clock.advance(1_000);
    assert.deepEqual(ran, ["first at 0", "second at 160"]);
  });

  test("runs steps that are added after all others have run", async () => {
    const { clock, ran, add } = createScene();
    add("one", "early", 0);
    await clock.advance(10);
    add("one", "late", 0);
    await clock.advance(10);
    assert.equal(ran.length, 2);
  });
});
