import assert from "node:assert/strict";
import { test } from "node:test";
import type { AssumeRoleInput } from "../../../src/policy/decide.ts";
import { PodroleError } from "../../../src/protocol/errors.ts";
import { Secret } from "../../../src/runtime/secret.ts";
import type { AssumeRole } from "../../../src/server/aws/sts.ts";
import { createStsLimiter, type StsLimiterDeps, type StsLimiterOptions } from "../../../src/server/aws/sts-limiter.ts";
import { createFakeClock } from "../../fakes/clock.ts";

const INPUT = { roleArn: "arn:aws:iam::123456789012:role/a", sessionName: "s1", durationSeconds: 3600 };
const ISSUED = {
  accessKeyId: "A",
  secretAccessKey: new Secret("s"),
  sessionToken: new Secret("t"),
  issuedAtMs: 0,
  expiresAtMs: 1,
};

type Deps = Pick<StsLimiterDeps, "clock" | "assumeRole"> & Partial<StsLimiterDeps>;

/** Returns the limiter's call on behalf of a pod, by default always the same one, and for a session of its own. */
function limit(deps: Deps, options: StsLimiterOptions) {
  const { assumeRole } = createStsLimiter({ onLimited: () => {}, ...deps }, options);
  let calls = 0;
  return (input: AssumeRoleInput, uid = "u-1", namespace = "ns", session = `session ${calls++}`) =>
    assumeRole(input, { namespace, uid }, session);
}

test("createStsLimiter() admits a burst, then the rate: a call waits for its turn", async () => {
  const clock = createFakeClock();
  const limited = limit({ clock, assumeRole: async () => ISSUED }, { ratePerSecond: 10, burst: 3 });
  const made: number[] = [];
  const start = clock.now();
  const calls = Array.from({ length: 5 }, () => limited(INPUT).then(() => made.push(clock.now() - start)));
  await clock.advance(99);
  assert.deepEqual(made, [0, 0, 0]);
  await clock.advance(101);
  await Promise.all(calls);
  assert.deepEqual(made, [0, 0, 0, 100, 200]);
});

test("createStsLimiter() refuses a call that has waited for 5 s, and one beyond the queue's capacity", async () => {
  const clock = createFakeClock();
  const refused: string[] = [];
  const onLimited = (reason: string) => refused.push(reason);
  const limited = limit({ clock, assumeRole: async () => ISSUED, onLimited }, { ratePerSecond: 1, burst: 1 });
  const outcomes: string[] = [];
  const call = (uid: string) =>
    limited(INPUT, uid).then(
      () => outcomes.push(`${uid} made`),
      (error: PodroleError) => outcomes.push(`${uid} ${error.code}`),
    );
  for (let index = 0; index < 102; index++) void call("many");
  await clock.advance(0);
  assert.deepEqual(outcomes.toSorted(), ["many STS_THROTTLED", "many made"]);
  void call("one");
  await clock.advance(2_000);
  assert.ok(outcomes.includes("one made"), "a newcomer displaces a call of the pod with most of them");
  await clock.advance(3_000);
  assert.equal(outcomes.filter((text) => text.endsWith("made")).length, 6);
  assert.equal(outcomes.length, 103);
  assert.deepEqual(new Set(refused), new Set(["rate"]));
});

test("createStsLimiter() lets namespaces take turns, and within a namespace its pods", async () => {
  const clock = createFakeClock();
  const made: string[] = [];
  const assumeRole: AssumeRole = async ({ sessionName }) => {
    made.push(sessionName);
    return ISSUED;
  };
  const limited = limit({ clock, assumeRole }, { ratePerSecond: 10, burst: 1 });
  const call = (namespace: string, uid: string) =>
    limited({ ...INPUT, sessionName: `${namespace}.${uid}` }, uid, namespace).catch(() => {});
  for (let index = 0; index < 50; index++) void call("busy", "a");
  for (let index = 0; index < 5; index++) void call("busy", "b");
  void call("calm", "c");
  await clock.advance(500);
  assert.deepEqual(made, ["busy.a", "busy.a", "calm.c", "busy.b", "busy.a", "busy.b"]);
});

test("createStsLimiter() ends a pause after its time although the wall clock is set back, and asks for no longer wait", async () => {
  const clock = createFakeClock();
  let throttles = true;
  const assumeRole: AssumeRole = async () => {
    if (throttles) throw new PodroleError("STS_THROTTLED", "Rate exceeded");
    return ISSUED;
  };
  const limited = limit({ clock, assumeRole }, { ratePerSecond: 1000, burst: 10 });
  await assert.rejects(limited(INPUT), { code: "STS_THROTTLED" });
  throttles = false;
  clock.step(-7_200_000);
  await assert.rejects(limited(INPUT), ({ code, retryAfterMs = 0 }: PodroleError) => {
    assert.ok(retryAfterMs > 0 && retryAfterMs <= 1_200, `${retryAfterMs} ms`);
    return code === "STS_THROTTLED";
  });
  await clock.advance(1_300);
  await Promise.all([limited(INPUT), limited(INPUT)]);
});

test("createStsLimiter() pauses all calls while STS throttles, longer each time", async () => {
  const clock = createFakeClock();
  let calls = 0;
  const throttled: AssumeRole = async () => {
    calls += 1;
    throw new PodroleError("STS_THROTTLED", "Rate exceeded");
  };
  const limited = limit({ clock, assumeRole: throttled }, { ratePerSecond: 1000, burst: 1000 });
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
  let reported: string[] = [];
  let throttles = true;
  const assumeRole: AssumeRole = async () => {
    if (throttles) throw new PodroleError("STS_THROTTLED", "Rate exceeded");
    return ISSUED;
  };
  const onLimited = (reason: string, ms: number) => reported.push(`${reason} ${ms > 500 ? "long" : ms}`);
  const limited = limit({ clock, assumeRole, onLimited }, { ratePerSecond: 10, burst: 2 });
  await assert.rejects(limited(INPUT), { code: "STS_THROTTLED" });
  assert.deepEqual(reported, []);
  await assert.rejects(limited(INPUT), { code: "STS_THROTTLED" });
  assert.deepEqual(reported, ["pause long"]);
  throttles = false;
  await clock.advance(2_000);
  for (let call = 0; call < 3; call++) void limited(INPUT);
  await clock.advance(1_000);
  assert.deepEqual(reported, ["pause long"], "a call that waits and is made is not reported");
  reported = [];
  const calls = Array.from({ length: 150 }, () => limited(INPUT).catch((error: PodroleError) => error.code));
  await clock.advance(10_000);
  const refused = (await Promise.all(calls)).filter((result) => result === "STS_THROTTLED");
  assert.equal(reported.length, refused.length);
  assert.ok(refused.length > 50 && reported.every((report) => report.startsWith("rate ")));
});

test("createStsLimiter() counts calls that are throttled at the same time once: they do not prolong the pause", async () => {
  const clock = createFakeClock();
  const gate = Promise.withResolvers<void>();
  const assumeRole: AssumeRole = async () => {
    await gate.promise;
    throw new PodroleError("STS_THROTTLED", "Rate exceeded");
  };
  const limited = limit({ clock, assumeRole }, { ratePerSecond: 100, burst: 100 });
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
  const limited = limit({ clock, assumeRole }, { ratePerSecond: 100, burst: 100 });
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
  const limited = limit({ clock, assumeRole }, { ratePerSecond: 10, burst: 200 });
  const retryTimes: number[] = [];
  const call = (uid?: string) =>
    limited(INPUT, uid).catch((error: PodroleError) => void retryTimes.push(clock.now() + (error.retryAfterMs ?? 0)));
  for (let pod = 0; pod < 100; pod++) await call(`u-${pod}`);
  throttles = false;
  const times = retryTimes.slice(1);
  assert.equal(new Set(times).size, 99, "no two callers get the same time");
  assert.ok(Math.max(...times) - Math.min(...times) >= 9_700, "they are spread by the rate");
  await clock.advance(Math.min(...times) - clock.now() + 1);
  for (let pod = 0; pod < 100; pod++) void call();
  await clock.advance(0);
  assert.ok(made <= 1, `${made} calls at once after the pause`);
});

test("createStsLimiter() pauses only the calling account", async () => {
  const clock = createFakeClock();
  const assumeRole: AssumeRole = async ({ via }) => {
    if (via === undefined) throw new PodroleError("STS_THROTTLED", "Rate exceeded");
    return ISSUED;
  };
  const limited = limit({ clock, assumeRole }, { ratePerSecond: 10, burst: 2 });
  const hop = { ...INPUT, via: "arn:aws:iam::210987654321:role/hop" };
  await assert.rejects(limited(INPUT), { code: "STS_THROTTLED" });
  await limited(hop);
  await limited({ ...hop, via: "arn:aws:iam::210987654321:role/another-hop" });
  const more = Array.from({ length: 101 }, () =>
    limited(hop).then(
      () => "",
      (error: PodroleError) => error.message,
    ),
  );
  await clock.advance(5_000);
  assert.match((await Promise.all(more)).join(), /more than 10 calls per second/);
});
