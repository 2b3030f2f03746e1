// How many requests of a pod and of a node are answered in how much time, by a clock that only the test advances.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createSigningRates, NODE_RATE, POD_RATE } from "../../../src/server/signer/signing-rates.ts";
import { createFakeClock } from "../../fakes/clock.ts";

const requestOf = (pod: string, node = "node-1", namespace = "team") => ({ namespace, uid: node, pod });

test("createSigningRates() lets a pod wait after its burst, and other pods of its node not", async () => {
  const clock = createFakeClock();
  const rates = createSigningRates({ clock });
  for (let count = 0; count < POD_RATE.burst; count += 1) assert.equal(rates.take(requestOf("greedy")), 0);
  const waitMs = rates.take(requestOf("greedy"));
  assert.ok(waitMs > 0 && waitMs <= POD_RATE.spacingMs, `${waitMs} ms`);
  assert.equal(rates.take(requestOf("web")), 0);
  await clock.advance(waitMs);
  assert.equal(rates.take(requestOf("greedy")), 0);
  assert.ok(rates.take(requestOf("greedy")) > 0);
});

test("createSigningRates() lets the pods of a node wait after its burst, in one namespace alone", async () => {
  const clock = createFakeClock();
  const rates = createSigningRates({ clock });
  for (let count = 0; count < NODE_RATE.burst; count += 1) assert.equal(rates.take(requestOf(`pod-${count}`)), 0);
  const waitMs = rates.take(requestOf("web"));
  assert.ok(waitMs > 0 && waitMs <= NODE_RATE.spacingMs, `${waitMs} ms`);
  for (let count = 0; count < POD_RATE.burst; count += 1) rates.take(requestOf("web"));
  assert.deepEqual([rates.take(requestOf("web", "node-2")), rates.take(requestOf("web-2", "node-1", "other"))], [0, 0]);
  await clock.advance(waitMs);
  assert.equal(rates.take(requestOf("web")), 0, "waiting for the node cost the pod nothing");
});
