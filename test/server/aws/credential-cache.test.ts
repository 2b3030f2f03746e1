import assert from "node:assert/strict";
import { test } from "node:test";
import { PodroleError } from "../../../src/protocol/errors.ts";
import { HOUR_MS, MINUTE_MS } from "../../../src/runtime/clock.ts";
import { Secret } from "../../../src/runtime/secret.ts";
import { createCredentialCache, type RequestingPod } from "../../../src/server/aws/credential-cache.ts";
import type { AssumeRole, SessionCredentials } from "../../../src/server/aws/sts.ts";
import type { AssumeRoleFor } from "../../../src/server/aws/sts-limiter.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { fc } from "../../property.ts";

const INPUT = { roleArn: "arn:aws:iam::123456789012:role/a", sessionName: "ns.pod", durationSeconds: 3600 };
const POD = pod("u-1");
const allAlive = { has: () => true };

function pod(uid: string, circumstances = uid): RequestingPod {
  return { namespace: "ns", uid, circumstances };
}

/** `stsAheadMs`: how far the clock of STS is ahead of the server's. */
function setUp(options: { capacity?: number; stsAheadMs?: number } = {}) {
  const clock = createFakeClock();
  const { stsAheadMs = 0 } = options;
  const calls: string[] = [];
  let answer: () => Promise<void> = () => Promise.resolve();
  const assumeRole: AssumeRole = async ({ roleArn, sessionName }) => {
    calls.push(`${roleArn} ${sessionName}`);
    await answer();
    return session(clock.now() + stsAheadMs);
  };
  const cache = createCredentialCache({ clock, assumeRole }, { capacity: options.capacity ?? 10 });
  return { clock, calls, cache, answerWith: (next: () => Promise<void>) => (answer = next) };
}

function session(now: number): SessionCredentials {
  const secret = new Secret("s");
  return {
    accessKeyId: "ASIA",
    secretAccessKey: secret,
    sessionToken: secret,
    issuedAtMs: now,
    expiresAtMs: now + 60 * MINUTE_MS,
  };
}

const fail = (code: "STS_DENIED" | "STS_UNAVAILABLE" | "STS_THROTTLED") => () =>
  Promise.reject(new PodroleError(code, "no"));

test("get() makes one call for all concurrent requests", async () => {
  const { cache, calls } = setUp();
  await Promise.all(Array.from({ length: 100 }, () => cache.get(INPUT, POD)));
  assert.equal(calls.length, 1);
});

test("get() caches inputs that STS can tell apart separately", async () => {
  const { cache, calls } = setUp();
  await cache.get(INPUT, POD);
  await cache.get({ ...INPUT, sessionName: "ns.other" }, POD);
  await cache.get({ ...INPUT, externalId: "x-1" }, POD);
  await cache.get({ ...INPUT, tags: [{ key: "k", value: "v" }] }, POD);
  await cache.get({ ...INPUT, tags: [{ key: "k", value: "w" }] }, POD);
  assert.equal(calls.length, 5);
});

test("get() caches inputs that differ only in a nested field of any name separately, and ignores the order of fields", async () => {
  await fc.assert(
    fc.asyncProperty(fc.string(), fc.string(), fc.string(), async (name, a, b) => {
      const { cache, calls } = setUp();
      const withNested = (value: string) => ({ ...INPUT, added: [{ [name]: { [name]: value } }] });
      await cache.get(withNested(a), POD);
      await cache.get(Object.fromEntries(Object.entries(withNested(a)).toReversed()) as typeof INPUT, POD);
      await cache.get(withNested(b), POD);
      assert.equal(calls.length, a === b ? 1 : 2);
    }),
    { numRuns: 50 },
  );
});

test("get() keeps the same few bytes of each input, however long that is", async () => {
  const lengths: number[] = [];
  const assumeRole: AssumeRoleFor = async (_input, _pod, key) => {
    lengths.push(key.length);
    return session(0);
  };
  const cache = createCredentialCache({ clock: createFakeClock(), assumeRole }, { capacity: 10 });
  for (const length of [0, 1_224]) await cache.get({ ...INPUT, externalId: "x".repeat(length) }, POD);
  assert.deepEqual(lengths, [44, 44]);
});

test("get() returns cached credentials at first, and renews them for the earliest of the sidecars' renewals", async () => {
  const { cache, calls, clock } = setUp();
  await cache.get(INPUT, POD);
  await clock.advance(26 * MINUTE_MS);
  assert.equal((await cache.get(INPUT, POD)).outcome, "hit");
  // A sidecar renews when 45 % have passed since it sent its request, which it did up to half a minute before the call.
  await clock.advance(0.45 * HOUR_MS - 26 * MINUTE_MS - 30_000);
  assert.equal((await cache.get(INPUT, POD)).outcome, "renewed");
  assert.equal(calls.length, 2);
});

test("get() returns credentials that are still valid when the renewal fails, and rejects when there are none", async () => {
  const { cache, clock, answerWith } = setUp();
  await cache.get(INPUT, POD);
  answerWith(fail("STS_UNAVAILABLE"));
  await clock.advance(45 * MINUTE_MS);
  assert.equal((await cache.get(INPUT, POD)).outcome, "stale");
  await clock.advance(15 * MINUTE_MS);
  await assert.rejects(cache.get(INPUT, POD), { code: "STS_UNAVAILABLE" });
});

test("get() rejects with the error of STS in the last seconds of a session, which no sidecar would use", async () => {
  const { cache, clock, answerWith } = setUp();
  await cache.get(INPUT, POD);
  answerWith(fail("STS_UNAVAILABLE"));
  await clock.advance(60 * MINUTE_MS - 7_000);
  assert.equal((await cache.get(INPUT, POD)).outcome, "stale");
  await clock.advance(3_000);
  await assert.rejects(cache.get(INPUT, POD), { code: "STS_UNAVAILABLE" });
});

test("get() repeats a denial by STS without another call, for a short time", async () => {
  const { cache, calls, clock, answerWith } = setUp();
  answerWith(fail("STS_DENIED"));
  for (let attempt = 0; attempt < 5; attempt++) await assert.rejects(cache.get(INPUT, POD), { code: "STS_DENIED" });
  assert.equal(calls.length, 1);
  await clock.advance(16_000);
  answerWith(() => Promise.resolve());
  assert.equal((await cache.get(INPUT, POD)).outcome, "miss");
});

test("get() calls STS at once for a pod in new circumstances, and repeats the denial to the others", async () => {
  const { cache, calls, answerWith } = setUp();
  answerWith(fail("STS_DENIED"));
  await assert.rejects(cache.get(INPUT, POD), { code: "STS_DENIED" });
  await assert.rejects(cache.get(INPUT, pod("u-1", "changed")), { code: "STS_DENIED" });
  assert.equal(calls.length, 2);
  await assert.rejects(cache.get(INPUT, POD), { code: "STS_DENIED" });
  await assert.rejects(cache.get(INPUT, pod("u-1", "changed")), { code: "STS_DENIED" });
  assert.equal(calls.length, 2);
  answerWith(() => Promise.resolve());
  assert.equal((await cache.get(INPUT, pod("u-1", "cured"))).outcome, "miss");
  assert.equal((await cache.get(INPUT, POD)).outcome, "hit");
});

test("sweep() keeps a denial of a living pod while its repetition still counts, and no longer", async () => {
  const { cache, calls, clock, answerWith } = setUp();
  answerWith(fail("STS_DENIED"));
  const deny = () => assert.rejects(cache.get(INPUT, POD), { code: "STS_DENIED" });
  await deny();
  await clock.advance(5 * MINUTE_MS);
  cache.sweep(allAlive);
  await deny();
  await clock.advance(16_000);
  await deny();
  assert.equal(calls.length, 2, "the second denial is remembered for 30 s");
  await clock.advance(7 * MINUTE_MS);
  cache.sweep(allAlive);
  assert.equal(cache.size, 0);
});

test("get() lets a second caller wait for the call that the first one started", async () => {
  const { cache, answerWith, calls } = setUp();
  const gate = Promise.withResolvers<void>();
  answerWith(() => gate.promise);
  const first = cache.get(INPUT, POD);
  const second = cache.get(INPUT, POD);
  gate.resolve();
  await Promise.all([first, second]);
  assert.equal(calls.length, 1);
});

test("get() never returns expired credentials", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.integer({ min: 0, max: 90 }), fc.boolean()), { maxLength: 30 }),
      async (steps) => {
        const { cache, clock, answerWith } = setUp();
        for (const [minutes, healthy] of steps) {
          answerWith(healthy ? () => Promise.resolve() : fail("STS_UNAVAILABLE"));
          await clock.advance(minutes * MINUTE_MS);
          const answer = await cache.get(INPUT, POD).catch(() => undefined);
          assert.ok(answer === undefined || answer.credentials.expiresAtMs > clock.now());
        }
      },
    ),
    { numRuns: 50 },
  );
});

test("get() evicts the least recently requested session of the namespace with most above the capacity", async () => {
  const { cache, calls } = setUp({ capacity: 3 });
  await cache.get({ ...INPUT, sessionName: "other" }, { ...POD, namespace: "other" });
  for (const sessionName of ["one", "two", "one", "three", "one"]) await cache.get({ ...INPUT, sessionName }, POD);
  await cache.get({ ...INPUT, sessionName: "other" }, { ...POD, namespace: "other" });
  assert.deepEqual([cache.size, calls.map((call) => call.split(" ").at(-1))], [3, ["other", "one", "two", "three"]]);
});

test("get() evicts no session for calls that the limiter refuses, of which it keeps nothing", async () => {
  const { cache, answerWith } = setUp({ capacity: 2 });
  await cache.get({ ...INPUT, sessionName: "one" }, POD);
  await cache.get({ ...INPUT, sessionName: "two" }, POD);
  answerWith(fail("STS_THROTTLED"));
  const refused = Array.from({ length: 100 }, (_, index) => cache.get({ ...INPUT, sessionName: `r-${index}` }, POD));
  for (const { status } of await Promise.allSettled(refused)) assert.equal(status, "rejected");
  assert.equal(cache.size, 2);
  for (const sessionName of ["one", "two"]) {
    assert.equal((await cache.get({ ...INPUT, sessionName }, POD)).outcome, "hit");
  }
});

test("sweep() evicts expired sessions only", async () => {
  const { cache, clock } = setUp();
  await cache.get(INPUT, POD);
  await clock.advance(59 * MINUTE_MS);
  cache.sweep(allAlive);
  assert.equal(cache.size, 1);
  assert.equal(cache.nearestExpiryMs(), MINUTE_MS);
  await clock.advance(MINUTE_MS);
  cache.sweep(allAlive);
  assert.equal(cache.size, 0);
});

test("sweep() evicts the valid session of a deleted pod, but not one that a living pod shares", async () => {
  const { cache, clock } = setUp();
  await cache.get(INPUT, pod("gone"));
  await cache.get({ ...INPUT, sessionName: "shared" }, pod("gone"));
  await cache.get({ ...INPUT, sessionName: "shared" }, pod("living"));
  const isAlive = { has: (uid: string) => uid === "living" };
  cache.sweep(isAlive);
  assert.equal(cache.size, 2, "the watch may lag behind a new pod");
  await clock.advance(MINUTE_MS);
  cache.sweep(isAlive);
  assert.equal(cache.size, 1);
  assert.equal((await cache.get({ ...INPUT, sessionName: "shared" }, pod("living"))).outcome, "hit");
});

test("sweep() compares the pods of a session again only after a request, or when pods have begun or ended", async () => {
  const { cache, clock } = setUp();
  const compared: string[] = [];
  const livingNow = () => ({ has: (uid: string) => compared.push(uid) > 0 });
  await cache.get(INPUT, POD);
  await clock.advance(MINUTE_MS);
  const living = livingNow();
  cache.sweep(living);
  cache.sweep(living);
  assert.deepEqual(compared, [POD.uid]);
  cache.sweep(livingNow());
  assert.equal(compared.length, 2);
  const same = livingNow();
  cache.sweep(same);
  await cache.get(INPUT, POD);
  await clock.advance(MINUTE_MS);
  cache.sweep(same);
  assert.equal(compared.length, 4);
});

test("sweep() evicts each session at its own expiry while the same pods are alive", async () => {
  const { cache, clock } = setUp();
  const sizes: number[] = [];
  for (const sessionName of ["first", "second", "third"]) {
    await cache.get({ ...INPUT, sessionName }, POD);
    await clock.advance(10 * MINUTE_MS);
    cache.sweep(allAlive);
  }
  for (let minute = 30; minute < 80; minute += 10) {
    sizes.push(cache.size);
    await clock.advance(10 * MINUTE_MS);
    cache.sweep(allAlive);
  }
  assert.deepEqual([...sizes, cache.size], [3, 3, 3, 2, 1, 0]);
});

test("sweep() evicts settled sessions when a wall clock that is set forward reaches their expiry", async () => {
  const { cache, clock } = setUp();
  await cache.get(INPUT, POD);
  for (let minute = 0; minute < 3; minute++) {
    await clock.advance(MINUTE_MS);
    cache.sweep(allAlive);
  }
  clock.step(57 * MINUTE_MS);
  cache.sweep(allAlive);
  assert.equal(cache.size, 0);
});

test("createCredentialCache() renews only on request: other sessions expire", async () => {
  const { cache, calls, clock } = setUp();
  await cache.prefetch(INPUT, POD);
  for (let minute = 0; minute < 61; minute++) {
    await clock.advance(MINUTE_MS);
    cache.sweep(allAlive);
  }
  assert.equal(calls.length, 1);
  assert.equal(cache.size, 0);
});

for (const [what, stsAheadMs] of [
  ["two hours behind", 120 * MINUTE_MS],
  ["two hours ahead of", -120 * MINUTE_MS],
] as const) {
  test(`get() counts a session's lifetime from its request when the server's clock is ${what} that of STS`, async () => {
    const { cache, calls, clock, answerWith } = setUp({ stsAheadMs });
    assert.equal((await cache.get(INPUT, POD)).remainingMs, 60 * MINUTE_MS);
    await clock.advance(26 * MINUTE_MS);
    assert.deepEqual(
      [(await cache.get(INPUT, POD)).outcome, (await cache.get(INPUT, POD)).remainingMs],
      ["hit", 34 * MINUTE_MS],
    );
    answerWith(fail("STS_UNAVAILABLE"));
    await clock.advance(33 * MINUTE_MS);
    assert.equal((await cache.get(INPUT, POD)).outcome, "stale");
    await clock.advance(MINUTE_MS);
    await assert.rejects(cache.get(INPUT, POD), { code: "STS_UNAVAILABLE" });
    assert.ok(calls.length >= 3);
  });
}

test("get() returns no expired session although the wall clock was set back", async () => {
  const { cache, clock, answerWith } = setUp();
  await cache.get(INPUT, POD);
  clock.step(-120 * MINUTE_MS);
  answerWith(fail("STS_UNAVAILABLE"));
  await clock.advance(59 * MINUTE_MS);
  assert.equal((await cache.get(INPUT, POD)).outcome, "stale");
  await clock.advance(2 * MINUTE_MS);
  await assert.rejects(cache.get(INPUT, POD), { code: "STS_UNAVAILABLE" });
});

test("get() returns no session that expired while the machine was suspended", async () => {
  const { cache, clock, answerWith } = setUp();
  await cache.get(INPUT, POD);
  answerWith(fail("STS_UNAVAILABLE"));
  clock.suspend(120 * MINUTE_MS);
  await assert.rejects(cache.get(INPUT, POD), { code: "STS_UNAVAILABLE" });
});

test("nearestExpiryMs() is negative while an expired session cannot be renewed, and Infinity without sessions", async () => {
  const { cache, clock, answerWith } = setUp();
  assert.equal(cache.nearestExpiryMs(), Number.POSITIVE_INFINITY);
  await cache.get(INPUT, POD);
  assert.equal(cache.nearestExpiryMs(), 60 * MINUTE_MS);
  answerWith(fail("STS_UNAVAILABLE"));
  await clock.advance(65 * MINUTE_MS);
  await assert.rejects(cache.get(INPUT, POD));
  cache.sweep(allAlive);
  assert.equal(cache.nearestExpiryMs(), -5 * MINUTE_MS);
  await clock.advance(5 * MINUTE_MS);
  cache.sweep(allAlive);
  assert.equal(cache.nearestExpiryMs(), Number.POSITIVE_INFINITY, "no pod requests it any more");
});
