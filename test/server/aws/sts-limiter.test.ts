import assert from "node:assert/strict";
import { test } from "node:test";
import { PodroleError } from "../../../src/protocol/errors.ts";
import { Secret } from "../../../src/runtime/secret.ts";
import type { AssumeRole } from "../../../src/server/aws/sts.ts";
import { createStsLimiter } from "../../../src/server/aws/sts-limiter.ts";
import { createFakeClock } from "../../fakes/clock.ts";

const INPUT = { roleArn: "arn:aws:iam::123456789012:role/a", sessionName: "s1", durationSeconds: 3600 };
const ISSUED = {
  accessKeyId: "A",
  secretAccessKey: new Secret("s"),
  sessionToken: new Secret("t"),
  issuedAt: 0,
  expiresAt: 1,
};

test("createStsLimiter() admits a burst and then the rate", async () => {
  const clock = createFakeClock();
  const limited = createStsLimiter(
    { clock, assumeRole: async () => ISSUED, onLimited: () => {} },
    { ratePerSecond: 10, burst: 3 },
  );
  for (let call = 0; call < 3; call++) await limited(INPUT);
  await assert.rejects(limited(INPUT), { code: "STS_THROTTLED", retryAfterMs: 100 });
  await clock.advance(100);
  await limited(INPUT);
});

test("createStsLimiter() pauses all calls while STS throttles, longer each time", async () => {
  const clock = createFakeClock();
  let calls = 0;
  const throttled: AssumeRole = async () => {
    calls += 1;
    throw new PodroleError("STS_THROTTLED", "Rate exceeded");
  };
  const limited = createStsLimiter(
    { clock, assumeRole: throttled, onLimited: () => {} },
    { ratePerSecond: 1000, burst: 1000 },
  );
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

test("createStsLimiter() reports each call that it does not make, with reason and wait, and no other", async () => {
  const clock = createFakeClock();
  const reported: string[] = [];
  let throttles = true;
  const assumeRole: AssumeRole = async () => {
    if (throttles) throw new PodroleError("STS_THROTTLED", "Rate exceeded");
    return ISSUED;
  };
  const onLimited = (reason: string, ms: number) => reported.push(`${reason} ${ms > 500 ? "long" : ms}`);
  const limited = createStsLimiter({ clock, assumeRole, onLimited }, { ratePerSecond: 10, burst: 2 });
  await assert.rejects(limited(INPUT), { code: "STS_THROTTLED" });
  assert.deepEqual(reported, []);
  await assert.rejects(limited(INPUT), { code: "STS_THROTTLED" });
  assert.deepEqual(reported, ["pause long"]);
  throttles = false;
  await clock.advance(2_000);
  for (let call = 0; call < 2; call++) await limited(INPUT);
  await assert.rejects(limited(INPUT), { code: "STS_THROTTLED" });
  assert.deepEqual(reported, ["pause long", "rate 100"]);
});

test("createStsLimiter() counts calls that are throttled at the same time once: they do not prolong the pause", async () => {
  const clock = createFakeClock();
  const gate = Promise.withResolvers<void>();
  const assumeRole: AssumeRole = async () => {
    await gate.promise;
    throw new PodroleError("STS_THROTTLED", "Rate exceeded");
  };
  const limited = createStsLimiter({ clock, assumeRole, onLimited: () => {} }, { ratePerSecond: 100, burst: 100 });
  const waits: number[] = [];
  const calls = Array.from({ length: 50 }, () =>
    limited(INPUT).catch((error: PodroleError) => waits.push(error.retryAfterMs ?? 0)),
  );
  gate.resolve();
  await Promise.all(calls);
  assert.equal(waits.length, 50);
  assert.ok(Math.max(...waits) <= 1_200, `the longest pause is ${Math.max(...waits)} ms`);
});

test("createStsLimiter() pauses for Retry-After when that is longer", async () => {
  const clock = createFakeClock();
  const assumeRole: AssumeRole = async () => {
    throw new PodroleError("STS_THROTTLED", "Rate exceeded", { retryAfterMs: 20_000 });
  };
  const limited = createStsLimiter({ clock, assumeRole, onLimited: () => {} }, { ratePerSecond: 100, burst: 100 });
  await assert.rejects(limited(INPUT), { code: "STS_THROTTLED", retryAfterMs: 20_000 });
});

test("createStsLimiter() returns a different time to each waiting caller, and starts slowly after a pause", async () => {
  const clock = createFakeClock();
  let throttles = true;
  let made = 0;
  const assumeRole: AssumeRole = async () => {
    if (throttles) throw new PodroleError("STS_THROTTLED", "Rate exceeded");
    made += 1;
    return ISSUED;
  };
  const limited = createStsLimiter({ clock, assumeRole, onLimited: () => {} }, { ratePerSecond: 10, burst: 200 });
  const retryTimes: number[] = [];
  const call = () =>
    limited(INPUT).catch((error: PodroleError) => void retryTimes.push(clock.now() + (error.retryAfterMs ?? 0)));
  for (let pod = 0; pod < 100; pod++) await call();
  throttles = false;
  const times = retryTimes.slice(1);
  assert.equal(new Set(times).size, 99, "no two callers get the same time");
  assert.ok(Math.max(...times) - Math.min(...times) >= 9_700, "they are spread by the rate");
  await clock.advance(Math.min(...times) - clock.now() + 1);
  for (let pod = 0; pod < 100; pod++) await call();
  assert.ok(made <= 1, `${made} calls at once after the pause`);
});

test("createStsLimiter() pauses only the calling account", async () => {
  const clock = createFakeClock();
  const assumeRole: AssumeRole = async ({ via }) => {
    if (via === undefined) throw new PodroleError("STS_THROTTLED", "Rate exceeded");
    return ISSUED;
  };
  const limited = createStsLimiter({ clock, assumeRole, onLimited: () => {} }, { ratePerSecond: 10, burst: 2 });
  const hop = { ...INPUT, via: "arn:aws:iam::210987654321:role/hop" };
  await assert.rejects(limited(INPUT), { code: "STS_THROTTLED" });
  await limited(hop);
  await limited({ ...hop, via: "arn:aws:iam::210987654321:role/another-hop" });
  await assert.rejects(limited(hop), { code: "STS_THROTTLED", message: /more than 10 calls per second/ });
});
