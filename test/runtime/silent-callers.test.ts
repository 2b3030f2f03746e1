import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { createSilentCallers } from "../../src/runtime/silent-callers.ts";

suite("createSilentCallers()", () => {
  test("remembers a caller whose connection waits, for 60 sweeps, and no other", () => {
    const silent = createSilentCallers();
    silent.noteWaiting("a", 10);
    assert.deepEqual(
      [silent.silenceOf("a", 10), silent.silenceOf("a", 69), silent.silenceOf("a", 70), silent.silenceOf("b", 10)],
      [2, 2, 0, 0],
    );
  });

  test("remembers a caller after more than five brief connections within ten sweeps", () => {
    const silent = createSilentCallers();
    for (let count = 0; count < 5; count++) silent.noteBrief("a", count);
    assert.equal(silent.silenceOf("a", 5), 0);
    silent.noteBrief("a", 5);
    assert.equal(silent.silenceOf("a", 5), 2);
  });

  test("counts a silent caller who also sends requests as less silent, for 60 sweeps", () => {
    const silent = createSilentCallers();
    silent.noteRequest("nat", 0);
    assert.equal(silent.silenceOf("nat", 0), 0);
    silent.noteWaiting("nat", 5);
    assert.deepEqual([silent.silenceOf("nat", 5), silent.silenceOf("nat", 60)], [1, 2]);
    silent.noteRequest("nat", 61);
    assert.equal(silent.silenceOf("nat", 61), 1);
  });

  test("forgets brief connections of earlier sweeps, so that a look every 2 s is no offence", () => {
    const silent = createSilentCallers();
    for (let sweep = 0; sweep < 100; sweep += 2) silent.noteBrief("a", sweep);
    assert.equal(silent.silenceOf("a", 100), 0);
  });

  test("keeps at most 4096 callers", () => {
    const silent = createSilentCallers();
    for (let count = 0; count <= 4096; count++) silent.noteWaiting(`${count}`, 0);
    assert.deepEqual(
      ["0", "1", "4096"].map((caller) => silent.silenceOf(caller, 0)),
      [0, 2, 2],
    );
  });
});
