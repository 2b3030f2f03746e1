// Events of pods that wait for their first credentials.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ErrorInfo } from "../../../src/protocol/errors.ts";
import { createSlowStarts } from "../../../src/server/issue/slow-starts.ts";
import { createFakeClock } from "../../fakes/clock.ts";

const POD = { namespace: "shop", name: "orders-1", uid: "u-1" };
const SESSION = { role: "arn:aws:iam::123456789012:role/orders", remainingMs: 3_600_000 };
const THROTTLED: ErrorInfo = { code: "STS_THROTTLED", message: "Cannot assume role" };

function setUp({ held = [] as readonly string[], isQueued = false } = {}) {
  const clock = createFakeClock();
  const recorded: (ErrorInfo & { readonly uid: string; readonly isWaiting: boolean | undefined })[] = [];
  const starts = createSlowStarts({
    clock,
    recordRefusal: ({ uid }, refusal, options) => recorded.push({ ...refusal, uid, isWaiting: options?.isWaiting }),
    hasHeld: (_uid, container) => held.includes(container),
    pendingReason: () => (isQueued ? "STS_THROTTLED" : "STS_UNAVAILABLE"),
  });
  return { clock, recorded, starts };
}

test("createSlowStarts() records nothing of a pod that has its credentials within 3 s", async () => {
  const { clock, recorded, starts } = setUp();
  starts.requested(POD, ["app", "job"]);
  starts.refused(POD, "app", THROTTLED);
  for (const container of ["app", "job"]) starts.issued(POD, container, SESSION);
  await clock.advance(60_000);
  assert.equal(recorded.length, 0);
});

test("createSlowStarts() records after 3 s, within 5 s of the pod's start, that STS has not answered", async () => {
  const { clock, recorded, starts } = setUp();
  starts.requested(POD, ["app", "job"]);
  starts.issued(POD, "job", SESSION);
  await clock.advance(2_900);
  assert.equal(recorded.length, 0);
  await clock.advance(100);
  assert.deepEqual(
    recorded.map(({ code, uid, isWaiting }) => [code, uid, isWaiting]),
    [["STS_UNAVAILABLE", "u-1", true]],
  );
  assert.match(recorded[0]?.message ?? "", /container "app" of pod "shop\/orders-1" yet: STS has not answered for 3 s/);
});

test("createSlowStarts() says that calls wait for their turn, if they do", async () => {
  const { clock, recorded, starts } = setUp({ isQueued: true });
  starts.requested(POD, ["app"]);
  await clock.advance(3_000);
  assert.equal(recorded[0]?.code, "STS_THROTTLED");
});

test("createSlowStarts() records the last refusal, and later ones that a retry may cure", async () => {
  const { clock, recorded, starts } = setUp();
  starts.requested(POD, ["app"]);
  starts.refused(POD, "app", THROTTLED);
  await clock.advance(3_000);
  starts.refused(POD, "app", { code: "KUBERNETES_UNAVAILABLE", message: "Cannot look up" });
  starts.refused(POD, "app", { code: "ROLE_FORBIDDEN", message: "Cannot give" });
  assert.deepEqual(
    recorded.map(({ code }) => code),
    ["STS_THROTTLED", "KUBERNETES_UNAVAILABLE"],
  );
});

test("createSlowStarts() ignores pods whose containers hold credentials, and containers that were not requested", async () => {
  const { clock, recorded, starts } = setUp({ held: ["app"] });
  starts.requested(POD, ["app"]);
  starts.refused(POD, "app", THROTTLED);
  await clock.advance(3_000);
  assert.equal(recorded.length, 0);
  starts.requested(POD, ["job"]);
  starts.refused(POD, "app", THROTTLED);
  await clock.advance(3_000);
  assert.equal(recorded[0]?.code, "STS_UNAVAILABLE");
});

test("createSlowStarts() forgets a pod of which nothing is heard for ten minutes", async () => {
  const { clock, recorded, starts } = setUp();
  starts.requested(POD, ["app"]);
  await clock.advance(3_000);
  await clock.advance(600_000);
  starts.refused(POD, "app", THROTTLED);
  assert.equal(recorded.length, 1);
  starts.requested(POD, ["app"]);
  await clock.advance(3_000);
  assert.equal(recorded.length, 2);
});

test("createSlowStarts() watches a bounded number of pods", async () => {
  const { clock, recorded, starts } = setUp();
  for (let index = 0; index < 6_000; index++) starts.requested({ ...POD, uid: `u-${index}` }, ["app"]);
  await clock.advance(3_000);
  assert.equal(recorded.length, 5_000);
});

test("createSlowStarts() watches pods of other namespaces, however many of one namespace wait", async () => {
  const { clock, recorded, starts } = setUp();
  for (let index = 0; index < 6_000; index++)
    starts.requested({ ...POD, namespace: "hostile", uid: `h-${index}` }, ["app"]);
  starts.requested(POD, ["app"]);
  starts.refused(POD, "app", THROTTLED);
  await clock.advance(3_000);
  assert.equal(recorded.length, 5_000);
  assert.equal(recorded.find(({ uid }) => uid === POD.uid)?.code, "STS_THROTTLED");
});
