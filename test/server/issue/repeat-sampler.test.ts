import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { MINUTE_MS } from "../../../src/runtime/clock.ts";
import { createRepeatSampler } from "../../../src/server/issue/repeat-sampler.ts";
import { createFakeClock } from "../../fakes/clock.ts";

suite("createRepeatSampler()", () => {
  test("takes one event of each key a minute, with the number of those left out", async () => {
    const clock = createFakeClock();
    const sampler = createRepeatSampler({ clock });
    const takeAll = () => ["a", "a", "b", "a"].map((key) => sampler.take(key));
    assert.deepEqual(takeAll(), [0, undefined, 0, undefined]);
    await clock.advance(MINUTE_MS - 1);
    assert.deepEqual(takeAll(), [undefined, undefined, undefined, undefined]);
    await clock.advance(1);
    assert.deepEqual(takeAll(), [5, undefined, 1, undefined]);
  });

  test("takes the next event of a key that many others have evicted, and of every key if the clock is set back", () => {
    const clock = createFakeClock();
    const sampler = createRepeatSampler({ clock });
    assert.equal(sampler.take("a"), 0);
    for (let index = 0; index < 8_192; index++) sampler.take(`other ${index}`);
    assert.equal(sampler.take("a"), 0);
    clock.step(-MINUTE_MS);
    assert.equal(sampler.take("a"), 0);
  });
});
