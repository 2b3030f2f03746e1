import assert from "node:assert/strict";
import { test } from "node:test";
import { createTokenBucket } from "../../src/runtime/token-bucket.ts";
import { createFakeClock } from "../fakes/clock.ts";

function setUp() {
  const clock = createFakeClock();
  return { clock, bucket: createTokenBucket({ clock }, { burst: 3, spacingMs: 200 }) };
}

const takeAll = (bucket: { take(): boolean }) => {
  let taken = 0;
  while (bucket.take()) taken++;
  return taken;
};

test("take() admits a burst, then one call for each spacing", async () => {
  const { clock, bucket } = setUp();
  assert.equal(takeAll(bucket), 3);
  await clock.advance(199);
  assert.equal(bucket.take(), false);
  await clock.advance(1);
  assert.equal(takeAll(bucket), 1);
});

test("take() admits no more than a burst after a long pause", async () => {
  const { clock, bucket } = setUp();
  takeAll(bucket);
  await clock.advance(3_600_000);
  assert.equal(takeAll(bucket), 3);
});

test("waitMs() returns the time until the next token", async () => {
  const { clock, bucket } = setUp();
  assert.equal(bucket.waitMs(), 0);
  takeAll(bucket);
  assert.equal(bucket.waitMs(), 200);
  await clock.advance(50);
  assert.equal(bucket.take(), false);
  assert.equal(bucket.waitMs(), 150);
});

test("emptyFor() takes all tokens, and adds none before the time has passed", async () => {
  const { clock, bucket } = setUp();
  bucket.emptyFor(1_000);
  await clock.advance(1_000);
  assert.equal(bucket.take(), false);
  await clock.advance(400);
  assert.equal(takeAll(bucket), 2);
});

test("take() gets neither more nor fewer tokens from a wall clock that is set", async () => {
  const clock = createFakeClock();
  const bucket = createTokenBucket({ clock }, { burst: 1, spacingMs: 200 });
  assert.equal(bucket.take(), true);
  clock.step(3_600_000);
  assert.equal(bucket.take(), false);
  clock.step(-7_200_000);
  await clock.advance(200);
  assert.equal(bucket.take(), true);
});
