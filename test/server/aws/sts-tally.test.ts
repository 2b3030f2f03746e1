import assert from "node:assert/strict";
import { test } from "node:test";
import { PodroleError } from "../../../src/protocol/errors.ts";
import type { AssumeRole, SessionCredentials } from "../../../src/server/aws/sts.ts";
import { createStsTally } from "../../../src/server/aws/sts-tally.ts";
import { createFakeClock } from "../../fakes/clock.ts";

const INPUT = {} as Parameters<AssumeRole>[0];

test("createStsTally() counts calls by result, and those that the limiter refused", async () => {
  const tally = createStsTally({ clock: createFakeClock() });
  const session = {} as SessionCredentials;
  assert.equal(await tally.counted(async () => session)(INPUT), session);
  const denied = tally.counted(() => Promise.reject(new PodroleError("STS_DENIED", "Cannot")));
  await assert.rejects(denied(INPUT), { code: "STS_DENIED" });
  const failed = tally.counted(() => Promise.reject(new TypeError("x")));
  await assert.rejects(failed(INPUT), TypeError);
  for (const reason of ["rate", "rate", "pause"] as const) tally.heldBack(reason);
  const { minutes, ...counts } = tally.counts();
  assert.deepEqual(counts, { results: { OK: 1, STS_DENIED: 1, INTERNAL: 1 }, heldBack: { rate: 2, pause: 1 } });
  assert.deepEqual(
    minutes.map(({ ok, failed }) => [ok, failed]),
    [[1, 2]],
  );
});

test("createStsTally() counts calls by minute, and forgets those of more than an hour ago", async () => {
  const clock = createFakeClock();
  const tally = createStsTally({ clock });
  const call = tally.counted(async () => ({}) as SessionCredentials);
  for (const pauseMs of [0, 10_000, 60_000, 58 * 60_000]) {
    await clock.advance(pauseMs);
    await call(INPUT);
  }
  const { minutes } = tally.counts();
  const [first = "", ...others] = minutes.map(({ at }) => at);
  assert.equal(Date.parse(first) % 60_000, 0);
  assert.ok(others.length > 0 && minutes.reduce((sum, { ok }) => sum + ok, 0) === 4);
  await clock.advance(60 * 60_000);
  assert.deepEqual(tally.counts().minutes, []);
  assert.deepEqual(tally.counts().results, { OK: 4 });
});
