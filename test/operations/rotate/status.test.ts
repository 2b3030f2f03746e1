import assert from "node:assert/strict";
import { test } from "node:test";
import { statusOf } from "../../../src/operations/rotate/status.ts";
import { planRotation } from "../../../src/pki/authorities.ts";

const HOUR = 3_600_000;
const ROTATION = { commonName: "podrole CA", lifetimeMs: 8760 * HOUR, leafLifetimeMs: HOUR };

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
  assert.equal(steps.outlook[0]?.at, new Date(half + HOUR + 600_000).toISOString());
});
