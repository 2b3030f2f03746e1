import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_IDENTITY_CALLS } from "../../../src/protocol/listener.ts";
import { createReviewLimiter, type TokenHolder } from "../../../src/server/issue/token-reviews.ts";
import { createFakeClock } from "../../fakes/clock.ts";

const LIMITS = { signed: { inFlight: 2, perPod: 8, waiting: 3 }, others: { inFlight: 3, perAddress: 2 } };

const stranger = (address: string): TokenHolder => ({ peer: `${address}:40000`, pod: undefined });
const pod = (namespace: string, uid: string): TokenHolder => ({ peer: "10.0.0.1:40000", pod: { namespace, uid } });

function setUp() {
  const clock = createFakeClock();
  const limit = createReviewLimiter({ clock }, LIMITS);
  const begun: string[] = [];
  const ends: (() => void)[] = [];
  /** Begins a review that lasts until endOne(); resolves with "reviewed", or undefined if it was refused. */
  function review(holder: TokenHolder, name: string) {
    return limit(holder, async () => {
      begun.push(name);
      await new Promise<void>((resolve) => void ends.push(resolve));
      return "reviewed";
    });
  }
  async function endOne(): Promise<void> {
    ends.shift()?.();
    await clock.advance(0);
  }
  return { clock, limit, review, begun, endOne };
}

test("createReviewLimiter() reviews signed tokens while strangers at the same address use up their share", async () => {
  const { limit, review } = setUp();
  const others = ["10.0.0.1", "10.0.0.1", "10.0.0.2"].map((address) => review(stranger(address), address));
  assert.equal(await review(stranger("10.0.0.1"), "one more"), undefined);
  assert.equal(await review(stranger("10.0.0.3"), "one more"), undefined);
  assert.equal(await limit(pod("shop", "u-1"), async () => "reviewed"), "reviewed");
  assert.equal(others.length, 3);
});

test("createReviewLimiter() lets reviews of signed tokens wait, and namespaces take turns, and their pods", async () => {
  const { review, begun, endOne, clock } = setUp();
  for (const name of ["a1", "a2"]) void review(pod("a", "1"), name);
  for (const name of ["a3", "a4"]) void review(pod("a", "1"), name);
  void review(pod("b", "2"), "b1");
  await clock.advance(0);
  assert.deepEqual(begun, ["a1", "a2"]);
  for (let ended = 0; ended < 3; ended++) await endOne();
  assert.deepEqual(begun, ["a1", "a2", "a3", "b1", "a4"]);
});

test("createReviewLimiter() refuses, when too many signed tokens wait, the newest of the pod with most, and each after 5 s", async () => {
  const { review, endOne, clock } = setUp();
  const many = Array.from({ length: 6 }, (_, index) => review(pod("a", "1"), `a${index}`));
  assert.equal(await many[5], undefined);
  const honest = review(pod("b", "2"), "b");
  assert.equal(await many[4], undefined, "it makes room for a pod with fewer");
  await clock.advance(4_999);
  assert.equal(await Promise.race([honest, Promise.resolve("it waits")]), "it waits");
  await clock.advance(1);
  assert.deepEqual([await honest, await many[3]], [undefined, undefined]);
  for (let ended = 0; ended < 2; ended++) await endOne();
  assert.deepEqual([await many[0], await many[1]], ["reviewed", "reviewed"]);
  const next = review(pod("b", "2"), "next");
  await clock.advance(0);
  await endOne();
  assert.equal(await next, "reviewed");
});

for (const [what, holder] of [
  ["a signed token", pod("a", "1")],
  ["another token", stranger("10.0.0.1")],
] as const) {
  test(`createReviewLimiter() counts a review of ${what} that failed as ended`, async () => {
    const one = { signed: { inFlight: 1, perPod: 1, waiting: 1 }, others: { inFlight: 1, perAddress: 1 } };
    const limit = createReviewLimiter({ clock: createFakeClock() }, one);
    await assert.rejects(
      limit(holder, () => Promise.reject(new RangeError("away"))),
      /away/,
    );
    assert.equal(await limit(holder, async () => "reviewed"), "reviewed");
  });
}

test("createReviewLimiter() refuses a pod at once that has too many reviews, and no other pod of its namespace", async () => {
  const limits = { signed: { inFlight: 64, perPod: 2, waiting: 3 }, others: LIMITS.others };
  const limit = createReviewLimiter({ clock: createFakeClock() }, limits);
  const gate = Promise.withResolvers<void>();
  const held = [1, 2].map(() => limit(pod("a", "1"), () => gate.promise.then(() => "reviewed")));
  assert.equal(await limit(pod("a", "1"), async () => "reviewed"), undefined);
  assert.equal(await limit(pod("a", "2"), async () => "reviewed"), "reviewed");
  gate.resolve();
  assert.deepEqual(await Promise.all(held), ["reviewed", "reviewed"]);
  assert.equal(await limit(pod("a", "1"), async () => "reviewed"), "reviewed");
});

test("createReviewLimiter() leaves places of the port to others, whatever number of pods and strangers wait", async () => {
  const clock = createFakeClock();
  const limitReviews = createReviewLimiter({ clock });
  let held = 0;
  const ends: (() => void)[] = [];
  async function call(peer: string, pod: { readonly namespace: string; readonly uid: string } | undefined) {
    held += 1;
    const answer = await limitReviews(
      { peer, pod },
      () => new Promise((resolve) => ends.push(() => resolve("served"))),
    );
    held -= 1;
    return answer;
  }
  for (let index = 0; index < 400; index++) {
    void call(`10.0.${index >> 8}.${index & 255}:1`, { namespace: "hostile", uid: `h-${index}` });
    void call(`10.1.${index >> 8}.${index & 255}:1`, undefined);
  }
  await clock.advance(0);
  assert.equal(held, 160);
  assert.ok(held < MAX_IDENTITY_CALLS);
  const honest = call("10.9.0.1:1", { namespace: "honest", uid: "v" });
  for (let turn = 0; turn < 2; turn++) {
    for (const end of ends.splice(0)) end();
    await clock.advance(0);
  }
  for (const end of ends.splice(0)) end();
  assert.equal(await honest, "served");
});
