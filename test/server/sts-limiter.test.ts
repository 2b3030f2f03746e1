import assert from "node:assert/strict";
import { test } from "node:test";
import { PodroleError } from "../../src/protocol/errors.ts";
import { Secret } from "../../src/runtime/secret.ts";
import type { AssumeRole } from "../../src/server/sts.ts";
import { createStsLimiter } from "../../src/server/sts-limiter.ts";
import { createFakeClock } from "../fakes/clock.ts";

const INPUT = { roleArn: "arn:aws:iam::123456789012:role/a", sessionName: "s1", durationSeconds: 3600 };
const ISSUED = {
  accessKeyId: "A",
  secretAccessKey: new Secret("s"),
  sessionToken: new Secret("t"),
  issuedAt: 0,
  expiresAt: 1,
};

test("createStsLimiter() lets a burst through and then the rate", async () => {
  const clock = createFakeClock();
  const limited = createStsLimiter({ clock, assumeRole: async () => ISSUED }, { ratePerSecond: 10, burst: 3 });
  for (let call = 0; call < 3; call++) await limited(INPUT);
  await assert.rejects(limited(INPUT), { code: "STS_THROTTLED", retryAfterMs: 100 });
  await clock.advance(100);
  await limited(INPUT);
});

test("createStsLimiter() holds everybody back while STS throttles, longer each time", async () => {
  const clock = createFakeClock();
  let calls = 0;
  const throttled: AssumeRole = async () => {
    calls += 1;
    throw new PodroleError("STS_THROTTLED", "Rate exceeded");
  };
  const limited = createStsLimiter({ clock, assumeRole: throttled }, { ratePerSecond: 1000, burst: 1000 });
  const pauses: number[] = [];
  for (let round = 0; round < 7; round++) {
    await assert.rejects(limited(INPUT), (error: PodroleError) => {
      pauses.push(error.retryAfterMs ?? 0);
      return error.code === "STS_THROTTLED";
    });
    await assert.rejects(limited({ ...INPUT, roleArn: "arn:aws:iam::123456789012:role/b" }), { code: "STS_THROTTLED" });
    await clock.advance(40_000);
  }
  assert.equal(calls, 7);
  assert.ok((pauses[0] ?? 0) < 1_300 && (pauses[6] ?? 0) > 20_000, `pauses grew: ${pauses.join(" ")}`);
});

test("createStsLimiter() tells of each call that it holds back, why and for how long, and of no other", async () => {
  const clock = createFakeClock();
  const heldBack: string[] = [];
  let throttles = true;
  const assumeRole: AssumeRole = async () => {
    if (throttles) throw new PodroleError("STS_THROTTLED", "Rate exceeded");
    return ISSUED;
  };
  const onHeldBack = (reason: string, ms: number) => heldBack.push(`${reason} ${ms > 500 ? "long" : ms}`);
  const limited = createStsLimiter({ clock, assumeRole, onHeldBack }, { ratePerSecond: 10, burst: 2 });
  await assert.rejects(limited(INPUT), { code: "STS_THROTTLED" });
  assert.deepEqual(heldBack, []);
  await assert.rejects(limited(INPUT), { code: "STS_THROTTLED" });
  assert.deepEqual(heldBack, ["pause long"]);
  throttles = false;
  await clock.advance(2_000);
  for (let call = 0; call < 2; call++) await limited(INPUT);
  await assert.rejects(limited(INPUT), { code: "STS_THROTTLED" });
  assert.deepEqual(heldBack, ["pause long", "rate 100"]);
});
