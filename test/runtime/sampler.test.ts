import assert from "node:assert/strict";
import { test } from "node:test";
import { createSampler } from "../../src/runtime/sampler.ts";

test("take() takes the first events of each window, and counts the others until the next one that it takes", () => {
  let now = 1_000_000;
  const sampler = createSampler({ clock: { now: () => now } }, { most: 2, windowMs: 60_000 });
  assert.deepEqual(
    [sampler.take("A"), sampler.take("A"), sampler.take("A"), sampler.take("A")],
    [0, 0, undefined, undefined],
  );
  assert.equal(sampler.take("B"), 0);
  now += 59_999;
  assert.equal(sampler.take("A"), undefined);
  now += 1;
  assert.deepEqual([sampler.take("A"), sampler.take("A"), sampler.take("A")], [3, 0, undefined]);
});

test("take() begins another window when the clock is set back", () => {
  let now = 1_000_000;
  const sampler = createSampler({ clock: { now: () => now } }, { most: 1 });
  assert.deepEqual([sampler.take("A"), sampler.take("A")], [0, undefined]);
  now -= 3_600_000;
  assert.equal(sampler.take("A"), 1);
});
