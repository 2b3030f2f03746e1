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
