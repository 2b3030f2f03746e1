// What addresses owe, by a clock that only the test advances.
import assert from "node:assert/strict";
import { test } from "node:test";
import { CREDIT_MS, createUnprovenCosts, FORGIVEN_MS_PER_S } from "../../src/runtime/unproven-costs.ts";
import { createFakeClock } from "../fakes/clock.ts";

test("createUnprovenCosts() has an address in debt beyond its credit, until time has forgiven the rest", async () => {
  const clock = createFakeClock();
  const costs = createUnprovenCosts({ clock });
  costs.charge("a", CREDIT_MS);
  assert.equal(costs.isInDebt("a"), false);
  costs.charge("a", FORGIVEN_MS_PER_S);
  assert.deepEqual([costs.isInDebt("a"), costs.isInDebt("b")], [true, false]);
  await clock.advance(999);
  assert.equal(costs.isInDebt("a"), true);
  await clock.advance(1);
  assert.equal(costs.isInDebt("a"), false);
});

test("createUnprovenCosts() takes back what a connection with a proof has cost, and forgives no more than is owed", async () => {
  const clock = createFakeClock();
  const costs = createUnprovenCosts({ clock });
  costs.charge("a", 2 * CREDIT_MS);
  costs.prove("a", 2 * CREDIT_MS);
  costs.charge("a", CREDIT_MS);
  assert.deepEqual([costs.isTrusted("a"), costs.isTrusted("b")], [true, false]);
  costs.charge("a", 1);
  assert.equal(costs.isTrusted("a"), false);
  await clock.advance(3_600_000);
  costs.charge("a", CREDIT_MS + 1);
  assert.equal(costs.isTrusted("a"), false);
});

test("createUnprovenCosts() has no address in debt that has proved something, whatever strangers behind it owe", () => {
  const costs = createUnprovenCosts({ clock: createFakeClock() });
  costs.charge("shared", 100 * CREDIT_MS);
  assert.equal(costs.isInDebt("shared"), true);
  costs.prove("shared", 1);
  assert.deepEqual([costs.isInDebt("shared"), costs.isTrusted("shared")], [false, false]);
});
