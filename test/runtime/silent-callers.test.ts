import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { createSilentCallers } from "../../src/runtime/silent-callers.ts";

suite("createSilentCallers()", () => {
  test("remembers a caller whose connection waits, for 60 sweeps, and no other", () => {
    const silent = createSilentCallers();
    silent.noteWaiting("a", 10);
    assert.deepEqual(
      [silent.has("a", 10), silent.has("a", 69), silent.has("a", 70), silent.has("b", 10)],
      [true, true, false, false],
    );
  });

  test("remembers a caller after more than five brief connections within ten sweeps", () => {
    const silent = createSilentCallers();
    for (let count = 0; count < 5; count++) silent.noteBrief("a", count);
    assert.equal(silent.has("a", 5), false);
    silent.noteBrief("a", 5);
    assert.equal(silent.has("a", 5), true);
  });

  test("forgets brief connections of earlier sweeps, so that a look every 2 s is no offence", () => {
    const silent = createSilentCallers();
    for (let sweep = 0; sweep < 100; sweep += 2) silent.noteBrief("a", sweep);
    assert.equal(silent.has("a", 100), false);
  });

  test("keeps at most 4096 callers", () => {
    const silent = createSilentCallers();
    for (let count = 0; count <= 4096; count++) silent.noteWaiting(`${count}`, 0);
    assert.deepEqual([silent.has("0", 0), silent.has("1", 0), silent.has("4096", 0)], [false, true, true]);
  });
});
