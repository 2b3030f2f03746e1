import assert from "node:assert/strict";
import { test } from "node:test";
import { createSkipSampler } from "../../src/webhook/skip-sampler.ts";

test("take() counts each namespace on its own, and all records that were left out together", () => {
  let now = 0;
  const sampler = createSkipSampler({ clock: { now: () => now } });
  for (let index = 0; index < 12; index++) sampler.take("a");
  assert.equal(sampler.take("b"), 2);
  assert.equal(sampler.take("b"), 0);
  now = 60_000;
  assert.equal(sampler.take("a"), 0);
});

test("take() returns a number at most 100 times a minute, however many namespaces there are", () => {
  let now = 0;
  const sampler = createSkipSampler({ clock: { now: () => now } });
  const countTaken = () =>
    Array.from({ length: 300 }, (_, index) => sampler.take(`n${index}`)).filter((omitted) => omitted !== undefined);
  assert.equal(countTaken().length, 100);
  now = 60_000;
  assert.deepEqual(countTaken().slice(0, 2), [200, 0]);
});

test("take() begins a new minute when the clock was set back", () => {
  let now = 60_000;
  const sampler = createSkipSampler({ clock: { now: () => now } });
  for (let index = 0; index < 12; index++) sampler.take("a");
  now = 0;
  assert.equal(sampler.take("a"), 2);
});
