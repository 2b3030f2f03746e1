import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { HOUR_MS, MINUTE_MS } from "../../../src/runtime/clock.ts";
import { dueAfter } from "../../../src/runtime/due.ts";
import { createSettledKeys } from "../../../src/server/aws/settled-keys.ts";
import { createFakeClock } from "../../fakes/clock.ts";

const LIVING: ReadonlySet<string> = new Set(["uid"]);

/** A record that knows the living pods and the difference of the clocks. */
function setUp() {
  const clock = createFakeClock();
  const settled = createSettledKeys();
  assert.equal(settled.takeDue(LIVING, clock), undefined);
  const add = (key: string, ms: number) => settled.add(key, dueAfter(clock, ms), clock);
  return { clock, settled, add, take: () => settled.takeDue(LIVING, clock) };
}

suite("createSettledKeys()", () => {
  test("takeDue() returns each key once, when its minute has come", async () => {
    const { clock, add, take } = setUp();
    for (const minutes of [1, 2, 3]) add(`of ${minutes}`, minutes * MINUTE_MS);
    assert.deepEqual(take(), []);
    await clock.advance(MINUTE_MS);
    assert.deepEqual([take(), take()], [["of 1"], []]);
    await clock.advance(HOUR_MS);
    assert.deepEqual([take(), take()], [["of 2", "of 3"], []]);
  });

  test("takeDue() returns a key that is due already", async () => {
    const { clock, add, take } = setUp();
    await clock.advance(HOUR_MS);
    assert.deepEqual(take(), []);
    add("late", -10 * MINUTE_MS);
    assert.deepEqual(take(), ["late"]);
  });

  test("takeDue() returns undefined once other pods live, or the wall clock was set", async () => {
    const { clock, settled, add, take } = setUp();
    add("key", HOUR_MS);
    assert.equal(settled.takeDue(new Set(["other"]), clock), undefined);
    assert.equal(take(), undefined);
    clock.step(HOUR_MS);
    assert.equal(take(), undefined);
    assert.deepEqual(take(), []);
  });
});
