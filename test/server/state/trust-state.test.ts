// What the server reports about its CA.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Authorities, bundleOf, planRotation, rotateSlots } from "../../../src/pki/authorities.ts";
import { createAuthority } from "../../../src/pki/certificate.ts";
import { HOUR_MS } from "../../../src/runtime/clock.ts";
import { createTrustReporter } from "../../../src/server/state/trust-state.ts";
import type { SigningTrust } from "../../../src/server/trust/authority-poller.ts";
import { createFakeClock } from "../../fakes/clock.ts";

const ROTATION = { commonName: "podrole CA", lifetimeMs: 8760 * HOUR_MS, leafLifetimeMs: HOUR_MS };

function trustOf(slots: Authorities): SigningTrust {
  return { authority: slots.current.authority, bundlePem: bundleOf(slots), slots };
}

test("createTrustReporter() reports the slots, what the servers do next and what a step waits for", () => {
  const clock = createFakeClock();
  const { authorities } = planRotation(undefined, clock.now(), ROTATION);
  const prepared = rotateSlots("prepare", authorities, clock.now(), ROTATION);
  assert.ok(prepared.ok);
  let slots = authorities;
  const report = createTrustReporter(
    { clock, current: () => trustOf(slots), servingExpiresInMs: () => HOUR_MS },
    ROTATION,
  );
  assert.deepEqual(
    report().waitsFor.map(({ step }) => step),
    ["activate", "retire"],
  );
  slots = prepared.value;
  const state = report();
  assert.deepEqual(
    state.slots.map(({ slot, longestLeafSeconds }) => [slot, longestLeafSeconds]),
    [
      ["next", undefined],
      ["current", 3_600],
    ],
  );
  assert.deepEqual([state.leafSeconds, state.servingExpiresAt], [3_600, "2026-01-01T01:00:00.000Z"]);
  assert.deepEqual(
    state.waitsFor.map(({ step }) => step),
    ["prepare", "activate", "retire"],
  );
  assert.equal(state.outlook[0]?.step, "sign");
  assert.doesNotMatch(JSON.stringify(state), /PRIVATE KEY/);
});

test("createTrustReporter() reports a CA of the operator as such", () => {
  const clock = createFakeClock();
  const authority = createAuthority({ commonName: "Example CA", now: clock.now(), lifetimeMs: 10 * HOUR_MS });
  const trust = { authority, bundlePem: authority.certificatePem };
  const report = createTrustReporter({ clock, current: () => trust, servingExpiresInMs: () => 0 }, ROTATION);
  const { slots, outlook, waitsFor } = report();
  assert.deepEqual(
    slots.map(({ slot, subject, since }) => [slot, subject, since]),
    [["own", "O=podrole, CN=Example CA", undefined]],
  );
  assert.deepEqual([outlook, waitsFor], [[], []]);
});
