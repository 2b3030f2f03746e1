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

test("emptyUntil() takes all tokens, and adds none before the time", async () => {
  const { clock, bucket } = setUp();
  bucket.emptyUntil(clock.now() + 1_000);
  await clock.advance(1_000);
  assert.equal(bucket.take(), false);
  await clock.advance(400);
  assert.equal(takeAll(bucket), 2);
});

test("take() gets no token from a clock that is set back", () => {
  let now = 1_000;
  const clock = { now: () => now, schedule: () => () => {} };
  const bucket = createTokenBucket({ clock }, { burst: 1, spacingMs: 200 });
  assert.equal(bucket.take(), true);
  now = 500;
  assert.equal(bucket.take(), false);
  now = 700;
  assert.equal(bucket.take(), true);
});
