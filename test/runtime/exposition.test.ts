import assert from "node:assert/strict";
import { test } from "node:test";
import { reuseExposition } from "../../src/runtime/exposition.ts";
import { createFakeClock } from "../fakes/clock.ts";

test("reuseExposition() returns the same text for 250 ms", async () => {
  const clock = createFakeClock();
  let produced = 0;
  const read = reuseExposition(clock, () => ++produced);
  const results = [read(), read()];
  await clock.advance(249);
  results.push(read());
  await clock.advance(1);
  results.push(read(), read());
  assert.deepEqual(results, [1, 1, 1, 2, 2]);
});
