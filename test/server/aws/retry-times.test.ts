import assert from "node:assert/strict";
import { test } from "node:test";
import { createRetryTimes } from "../../../src/server/aws/retry-times.ts";
import { createFakeClock } from "../../fakes/clock.ts";

function setUp() {
  const clock = createFakeClock(0);
  const retryTime = createRetryTimes({ clock }, { spacingMs: 20, spreadMs: 30_000 });
  return { clock, retryTime };
}

test("createRetryTimes() gives one caller after the other its time", () => {
  const { retryTime } = setUp();
  const times = Array.from({ length: 4 }, (_, index) => retryTime({ namespace: "a", uid: `u-${index}` }, 1_000));
  assert.deepEqual(times, [1_000, 1_020, 1_040, 1_060]);
});

test("createRetryTimes() does not let a pod with many calls push back the times of other pods and namespaces", () => {
  const { retryTime } = setUp();
  const many = Array.from({ length: 1_000 }, () => retryTime({ namespace: "a", uid: "many" }, 1_000));
  assert.ok(Math.max(...many) > 20_000);
  assert.ok(retryTime({ namespace: "a", uid: "one" }, 1_000) < 1_100);
  assert.ok(retryTime({ namespace: "b", uid: "other" }, 1_000) < 1_100);
});

test("createRetryTimes() gives no time beyond the spread, and forgets times that have passed", async () => {
  const { clock, retryTime } = setUp();
  for (let index = 0; index < 5_000; index++) {
    const time = retryTime({ namespace: "a", uid: "many" }, 1_000);
    assert.ok(time >= 1_000 && time <= 31_000);
  }
  await clock.advance(60_000);
  assert.equal(retryTime({ namespace: "b", uid: "new" }, 60_000), 60_000);
});
