import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import {
  type Authorities,
  bundleOf,
  planRotation,
  type RotationOptions,
  rotateSlots,
  rotationOutlook,
} from "../../src/pki/authorities.ts";
import { splitBundle } from "../../src/pki/bundle.ts";
import { DAY_MS, HOUR_MS, MINUTE_MS } from "../../src/runtime/clock.ts";
import type { Result } from "../../src/runtime/result.ts";
import { SAMPLE_NOW } from "./samples.ts";

/** Ten minutes until every replica has seen a change, and the lifetime of a leaf. */
const SETTLED = 10 * MINUTE_MS + HOUR_MS;
const OPTIONS: RotationOptions = { commonName: "podrole CA", lifetimeMs: 360 * DAY_MS, leafLifetimeMs: HOUR_MS };
/** A CA is backdated by five minutes, which count towards its lifetime. */
const LIFE = OPTIONS.lifetimeMs + 5 * MINUTE_MS;
const END = SAMPLE_NOW + OPTIONS.lifetimeMs;
const HALF = END - LIFE / 2;
const DUE = END - LIFE / 6;

/** Returns the slots after the step that is due at `now`; fails if none is. */
function step(held: Authorities | undefined, now: number, options = OPTIONS): Authorities {
  const { authorities, hasChanged, reason } = planRotation(held, now, options);
  assert.ok(hasChanged, "nothing is due");
  assert.notEqual(reason, "");
  return authorities;
}

function assertCalm(held: Authorities, now: number, options = OPTIONS): void {
  assert.deepEqual(planRotation(held, now, options), { authorities: held, hasChanged: false, reason: "" });
}

function assertRefused(result: Result<Authorities>, reason: RegExp): void {
  if (result.ok) assert.fail("it was not refused");
  assert.match(result.problem, reason);
}

function assertDone(result: Result<Authorities>): Authorities {
  return result.ok ? result.value : assert.fail(result.problem);
}

const FIRST = step(undefined, SAMPLE_NOW);
const PREPARED = step(FIRST, HALF);
const SIGNING = step(PREPARED, DUE + 1);
/** The new CA signs, and servers have recorded with which lifetime. */
const ACTIVATED = step(SIGNING, DUE + 1);

test("planRotation() creates a CA if there is none, and then changes nothing for half of its lifetime", () => {
  assert.deepEqual([FIRST.next, FIRST.previous], [undefined, undefined]);
  assert.equal(FIRST.current.since, SAMPLE_NOW);
  const { subject, validToDate } = new X509Certificate(FIRST.current.authority.certificatePem);
  assert.equal(subject, "O=podrole\nCN=podrole CA 2026-11-24");
  assert.equal(validToDate.getTime(), END);
  assertCalm(FIRST, SAMPLE_NOW);
  assertCalm(FIRST, HALF - 1);
});

test("planRotation() publishes a next CA after half of the current one's lifetime", () => {
  assert.equal(PREPARED.current, FIRST.current);
  assert.equal(PREPARED.next?.since, HALF);
  assertCalm(PREPARED, HALF);
  assertCalm(PREPARED, DUE);
});

test("planRotation() lets the next CA sign when less than a sixth of the current one's lifetime is left", () => {
  assert.equal(ACTIVATED.current.authority, PREPARED.next?.authority);
  assert.equal(ACTIVATED.current.since, DUE + 1);
  const { certificatePem } = FIRST.current.authority;
  assert.deepEqual(ACTIVATED.previous, { certificatePem, since: DUE + 1, longestLeafMs: HOUR_MS });
  assert.equal(ACTIVATED.next, undefined);
});

test("planRotation() does not let the next CA sign before it was published long enough", () => {
  const late = step(FIRST, DUE + 1);
  assertCalm(late, DUE + 1);
  assertCalm(late, DUE + SETTLED);
  assert.equal(step(late, DUE + 1 + SETTLED).current.authority, late.next?.authority);
  const slow = { ...OPTIONS, publishMs: 7 * DAY_MS };
  assertCalm(late, DUE + 7 * DAY_MS + 10 * MINUTE_MS, slow);
  assert.equal(step(late, DUE + 1 + 7 * DAY_MS + 10 * MINUTE_MS, slow).current.authority, late.next?.authority);
});

test("planRotation() removes the previous CA when its last leaf has expired, after minutes of grace", () => {
  const activatedAt = DUE + 1;
  assertCalm(ACTIVATED, activatedAt + SETTLED - 1);
  const retired = step(ACTIVATED, activatedAt + SETTLED);
  assert.equal(retired.previous, undefined);
  assert.equal(retired.current, ACTIVATED.current);
});

test("planRotation() removes the previous CA at the latest when it has expired itself", () => {
  const { previous } = ACTIVATED;
  const long = { ...ACTIVATED, previous: previous && { ...previous, longestLeafMs: 1000 * DAY_MS } };
  assert.ok(planRotation(long, END - 1, OPTIONS).authorities.previous);
  assert.equal(step(long, END).previous, undefined);
});

test("planRotation() lets the next CA sign at once if the current one has expired", () => {
  const late = step(FIRST, END - MINUTE_MS);
  assertCalm(late, END - 1);
  assert.equal(step(late, END).current.authority, late.next?.authority);
});

test("planRotation() creates a new CA if all CAs have expired", () => {
  const later = END + 1000 * DAY_MS;
  for (const held of [FIRST, PREPARED, { ...ACTIVATED, next: undefined }]) {
    const fresh = step(held, later);
    assert.deepEqual([fresh.next, fresh.previous], [undefined, undefined]);
    assertCalm(fresh, later);
  }
});

test("planRotation() changes nothing if the clock is set back", () => {
  for (const held of [FIRST, PREPARED, ACTIVATED]) assertCalm(held, SAMPLE_NOW - 30 * DAY_MS);
});

test("bundleOf() contains the CA of every slot once", () => {
  assert.deepEqual(splitBundle(bundleOf(FIRST)), [FIRST.current.authority.certificatePem]);
  const held: Authorities = { ...ACTIVATED, next: PREPARED.current };
  assert.equal(splitBundle(bundleOf(PREPARED)).length, 2);
  assert.equal(splitBundle(bundleOf({ ...held, next: step(FIRST, HALF).next })).length, 3);
  assert.equal(splitBundle(bundleOf(held)).length, 2);
});

test("rotateSlots() prepares, activates and retires one after the other at any time of a CA's lifetime", () => {
  const prepared = assertDone(rotateSlots("prepare", FIRST, SAMPLE_NOW + DAY_MS, OPTIONS));
  assert.equal(prepared.next?.since, SAMPLE_NOW + DAY_MS);
  const activated = step(
    assertDone(rotateSlots("activate", prepared, SAMPLE_NOW + DAY_MS + SETTLED, OPTIONS)),
    SAMPLE_NOW + 2 * DAY_MS,
  );
  assert.equal(activated.current.authority, prepared.next.authority);
  const retired = assertDone(rotateSlots("retire", activated, SAMPLE_NOW + DAY_MS + 2 * SETTLED, OPTIONS));
  assert.deepEqual(retired, { ...activated, previous: undefined });
});

test("rotateSlots() refuses prepare if there is a next CA", () => {
  assertRefused(rotateSlots("prepare", PREPARED, HALF, OPTIONS), /already a next CA/);
});

test("rotateSlots() refuses activate without, or too soon after, prepare", () => {
  assertRefused(rotateSlots("activate", FIRST, SAMPLE_NOW, OPTIONS), /prepare one first/);
  assertRefused(
    rotateSlots("activate", PREPARED, HALF + SETTLED - 1, OPTIONS),
    /published too recently: wait 1 minutes/,
  );
  assertRefused(rotateSlots("activate", PREPARED, HALF, { ...OPTIONS, publishMs: DAY_MS }), /wait 1450 minutes/);
  assertDone(rotateSlots("activate", PREPARED, HALF + SETTLED, OPTIONS));
});

test("rotateSlots() refuses activate while the previous CA's leaves are valid, because its slot is taken", () => {
  const held = assertDone(rotateSlots("prepare", ACTIVATED, DUE + 2, OPTIONS));
  const quick = { ...OPTIONS, publishMs: 0 };
  assertRefused(rotateSlots("activate", held, DUE + 1 + HOUR_MS, quick), /previous CA is not retired: wait 10 minutes/);
  assertDone(
    rotateSlots(
      "activate",
      assertDone(rotateSlots("retire", held, DUE + 1 + SETTLED, quick)),
      DUE + 1 + SETTLED,
      quick,
    ),
  );
});

test("rotateSlots() refuses retire without a previous CA and while its leaves are valid", () => {
  assertRefused(rotateSlots("retire", FIRST, SAMPLE_NOW, OPTIONS), /no previous CA/);
  assertRefused(rotateSlots("retire", ACTIVATED, DUE + 1 + HOUR_MS, OPTIONS), /still valid: wait 10 minutes/);
  assertDone(rotateSlots("retire", ACTIVATED, DUE + 1 + SETTLED, OPTIONS));
});

test("rotateSlots() takes steps that are too early if forced, but none without any effect", () => {
  const forced = { ...OPTIONS, force: true };
  const replaced = assertDone(rotateSlots("prepare", PREPARED, HALF, forced));
  assert.notEqual(replaced.next?.authority.certificatePem, PREPARED.next?.authority.certificatePem);
  assertDone(rotateSlots("activate", PREPARED, HALF, forced));
  assertDone(rotateSlots("retire", ACTIVATED, DUE + 2, forced));
  assertRefused(rotateSlots("activate", FIRST, SAMPLE_NOW, forced), /prepare one first/);
  assertRefused(rotateSlots("retire", FIRST, SAMPLE_NOW, forced), /no previous CA/);
  const years = SAMPLE_NOW + 10 * 365 * DAY_MS;
  assertRefused(rotateSlots("activate", PREPARED, years, forced), /the next CA has expired/);
});

test("outlook() returns the time of planRotation()'s next step to the millisecond", () => {
  for (const held of [FIRST, PREPARED, ACTIVATED]) {
    const [step] = rotationOutlook(held, OPTIONS);
    assert.ok(step);
    assert.equal(planRotation(held, step.at - 1, OPTIONS).hasChanged, false, step.step);
    assert.equal(planRotation(held, step.at + 1, OPTIONS).hasChanged, true, step.step);
  }
});

test("planRotation() records the longest lifetime that servers issue before they sign, and never a shorter one", () => {
  assert.equal(FIRST.current.longestLeafMs, HOUR_MS);
  assert.deepEqual([SIGNING.current.longestLeafMs, ACTIVATED.current.longestLeafMs], [undefined, HOUR_MS]);
  const raised = step(FIRST, SAMPLE_NOW, { ...OPTIONS, leafLifetimeMs: DAY_MS });
  assert.equal(raised.current.longestLeafMs, DAY_MS);
  assertCalm(raised, SAMPLE_NOW);
});

/** Settings of today: lower than when certificates were issued, and one that servers refuse. */
for (const leafLifetimeMs of [10 * MINUTE_MS, MINUTE_MS]) {
  const lowered = { ...OPTIONS, leafLifetimeMs };
  test(`rotateSlots() waits for certificates that were issued, whatever the setting is now: ${leafLifetimeMs} ms`, () => {
    const prepared = assertDone(rotateSlots("prepare", FIRST, SAMPLE_NOW, lowered));
    assertRefused(
      rotateSlots("activate", prepared, SAMPLE_NOW + 20 * MINUTE_MS, lowered),
      /published too recently: wait 50 minutes/,
    );
    assert.deepEqual(
      rotationOutlook(ACTIVATED, lowered).filter(({ step: next }) => next === "forget"),
      [{ step: "forget", at: DUE + 1 + SETTLED }],
    );
    assertRefused(rotateSlots("retire", ACTIVATED, DUE + 1 + 20 * MINUTE_MS, lowered), /still valid: wait 50 minutes/);
    assertCalm(ACTIVATED, DUE + SETTLED, lowered);
  });

  test(`rotateSlots() waits an hour at least for a CA of servers that recorded nothing: ${leafLifetimeMs} ms`, () => {
    const unrecorded = { ...PREPARED, current: { ...PREPARED.current, longestLeafMs: undefined } };
    assertRefused(rotateSlots("activate", unrecorded, HALF + SETTLED - 1, lowered), /published too recently/);
    assertDone(rotateSlots("activate", unrecorded, HALF + SETTLED, lowered));
  });
}
