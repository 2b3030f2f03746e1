import assert from "node:assert/strict";
import { test } from "node:test";
import { planRotation } from "../../src/pki/authorities.ts";
import { statusOf } from "../../src/pki/rotation-status.ts";
import { HOUR_MS } from "../../src/runtime/clock.ts";

const ROTATION = { commonName: "podrole CA", lifetimeMs: 8760 * HOUR_MS, leafLifetimeMs: HOUR_MS };

test("statusOf() lists the steps that servers take by themselves, soonest first", () => {
  const now = Date.parse("2026-06-01T00:00:00Z");
  const { authorities } = planRotation(undefined, now, ROTATION);
  const half = now + (ROTATION.lifetimeMs * 2) / 3;
  const withNext = planRotation(authorities, half, ROTATION).authorities;
  const steps = statusOf(
    { ...withNext, previous: { certificatePem: withNext.current.authority.certificatePem, since: half } },
    half,
    ROTATION,
  );
  assert.deepEqual(
    steps.outlook.map(({ step }) => step),
    ["forget", "sign"],
  );
  assert.equal(steps.outlook[0]?.at, new Date(half + HOUR_MS + 600_000).toISOString());
});
