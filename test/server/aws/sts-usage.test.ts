import assert from "node:assert/strict";
import { test } from "node:test";
import { createStsUsage } from "../../../src/server/aws/sts-usage.ts";
import { createFakeClock } from "../../fakes/clock.ts";

test("top() names the namespace with most calls and its share, and no namespace without calls", async () => {
  const clock = createFakeClock();
  const usage = createStsUsage({ clock });
  assert.equal(usage.top(), undefined);
  for (let call = 0; call < 3; call++) usage.record("busy");
  usage.record("calm");
  assert.deepEqual(usage.top(), { namespace: "busy", share: 0.75 });
});

test("top() counts the minute before the current one, and no earlier minute", async () => {
  const clock = createFakeClock();
  const usage = createStsUsage({ clock });
  for (let call = 0; call < 3; call++) usage.record("busy");
  await clock.advance(60_000);
  usage.record("calm");
  assert.equal(usage.top()?.namespace, "busy");
  await clock.advance(60_000);
  assert.deepEqual(usage.top(), { namespace: "calm", share: 1 });
  await clock.advance(200_000);
  assert.equal(usage.top(), undefined);
});

test("list() names the namespaces with most calls, their shares of all calls, and the length of the window", async () => {
  const clock = createFakeClock();
  const usage = createStsUsage({ clock });
  assert.deepEqual(usage.list(), { windowMs: 0, namespaces: [] });
  for (let call = 0; call < 3; call++) usage.record("busy");
  await clock.advance(60_000);
  usage.record("calm");
  await clock.advance(10_000);
  const namespaces = [
    { namespace: "busy", calls: 3, share: 0.75 },
    { namespace: "calm", calls: 1, share: 0.25 },
  ];
  assert.deepEqual(usage.list(), { windowMs: 70_000, namespaces });
});

test("list() names at most 100 namespaces", () => {
  const usage = createStsUsage({ clock: createFakeClock() });
  for (let index = 0; index < 300; index++) usage.record(`n-${index}`);
  const { namespaces } = usage.list();
  assert.equal(namespaces.length, 100);
  assert.equal(namespaces[0]?.share, 1 / 300);
});
