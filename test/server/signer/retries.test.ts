import assert from "node:assert/strict";
import { test } from "node:test";
import { type DueTime, dueAfter } from "../../../src/runtime/due.ts";
import { createRetries } from "../../../src/server/signer/retries.ts";
import { createFakeClock } from "../../fakes/clock.ts";

test("createRetries() returns items in the order of their times, and skips the ones that have another time", async () => {
  const clock = createFakeClock();
  const retries = createRetries<{ name: string; retryAt: DueTime | undefined }>({ clock });
  assert.deepEqual([retries.take(), retries.untilNextMs()], [undefined, Number.POSITIVE_INFINITY]);
  const [late, early, ended] = [3_000, 1_000, 500].map((ms) => ({ name: `${ms}`, retryAt: dueAfter(clock, ms) }));
  assert.ok(late && early && ended);
  for (const item of [late, early, ended]) retries.add(item);
  Object.assign(ended, { retryAt: undefined });
  assert.deepEqual([retries.take(), retries.untilNextMs()], [undefined, 1_000]);
  await clock.advance(2_000);
  assert.equal(retries.take(), early);
  assert.deepEqual([retries.take(), retries.untilNextMs()], [undefined, 1_000]);
  await clock.advance(1_000);
  assert.equal(retries.take(), late);
});
