// Steps that share a turn of the event loop, by turns and CPU time that only the test advances.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { createTurnShare } from "../../src/runtime/turn-share.ts";

/** Steps of 8 ms each in turns of at most 20 ms; endTurn() begins the next turn. */
function createScene() {
  let cpuMs = 0;
  const tasks: (() => void)[] = [];
  const turns = createTurnShare({ cpuMs: () => cpuMs, nextTurn: (task) => tasks.push(task) }, { mostMs: 20 });
  const ran: string[] = [];
  const spend = () => {
    cpuMs += 8;
  };
  const begin = (caller: string, name = caller, precedes = false) => {
    const step = () => {
      ran.push(name);
      spend();
    };
    if (turns.hasTime()) turns.run(step);
    else turns.add(caller, step, { precedes });
  };
  const endTurn = () => {
    for (const task of tasks.splice(0)) task();
    return ran.splice(0);
  };
  return { turns, begin, spend, ran, endTurn, tasks };
}

suite("createTurnShare()", () => {
  test("runs steps at once while the turn has time, and lets the others wait for the next one", () => {
    const { begin, ran, endTurn, tasks } = createScene();
    for (const caller of ["a", "b", "c", "d", "e", "f", "g"]) begin(caller);
    assert.deepEqual(ran.splice(0), ["a", "b", "c"]);
    assert.deepEqual(endTurn(), ["d", "e", "f"]);
    begin("h");
    assert.deepEqual(ran, [], "a step that comes later does not overtake those that wait");
    assert.deepEqual(endTurn(), ["g", "h"]);
    assert.deepEqual([endTurn(), tasks], [[], []]);
  });

  test("lets callers take turns, and those that are known precede others", () => {
    const { begin, endTurn } = createScene();
    for (const caller of ["1", "2", "3"]) begin(caller);
    for (const name of ["a1", "a2", "a3"]) begin("a", name);
    begin("b");
    begin("known", "known", true);
    assert.deepEqual(endTurn(), ["1", "2", "3", "known", "a1", "b"]);
    assert.deepEqual(endTurn(), ["a2", "a3"]);
  });

  test("runs no step of a caller that has left, and those of others in their turn", () => {
    const { turns, begin, ran, endTurn } = createScene();
    for (const caller of ["1", "2", "3"]) begin(caller);
    const leave = turns.add("a", () => ran.push("left"));
    const leaveLast = turns.add("b", () => ran.push("left too"));
    begin("a", "a2");
    leave();
    leave();
    leaveLast();
    ran.length = 0;
    assert.deepEqual(endTurn(), ["a2"]);
    leave();
    assert.ok(turns.hasTime());
  });

  test("returns the CPU time of a step", () => {
    const { turns, spend } = createScene();
    assert.equal(turns.run(spend), 8);
  });
});
