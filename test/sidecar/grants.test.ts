import assert from "node:assert/strict";
import { test } from "node:test";
import { ERRORS, type ErrorCode } from "../../src/protocol/errors.ts";
import { HOUR_MS } from "../../src/runtime/clock.ts";
import { Secret } from "../../src/runtime/secret.ts";
import {
  applyGrantResult,
  type ContainerGrant,
  type GrantResult,
  isComplete,
  isValid,
  renewAt,
} from "../../src/sidecar/grants.ts";
import { fc } from "../property.ts";

const NOW = Date.parse("2026-01-01T00:00:00Z");

function answer(issuedAtMs: number, expiresAtMs: number): GrantResult {
  const secrets = { secretAccessKey: new Secret("key"), sessionToken: new Secret("session") };
  const role = { roleArn: "arn:aws:iam::123456789012:role/app", accountId: "123456789012" };
  return { container: "app", credentials: { accessKeyId: "ASIA1", ...secrets, ...role, issuedAtMs, expiresAtMs } };
}

function refusal(code: ErrorCode): GrantResult {
  return { container: "app", refusal: { code, message: `Cannot: ${code}`, retryAfterMs: 0 } };
}

const middle = () => 0.5;
const granted: ContainerGrant = applyGrantResult(undefined, answer(NOW, NOW + HOUR_MS), NOW, middle);

test("applyGrantResult() schedules the renewal at half of the lifetime ±10 %", () => {
  const times = [0, 0.5, 1].map((random) => applyGrantResult(undefined, answer(NOW, NOW + HOUR_MS), NOW, () => random));
  assert.deepEqual(
    times.map(({ credentials }) => ((credentials?.renewAtMs ?? 0) - NOW) / HOUR_MS),
    [0.45, 0.5, 0.55],
  );
});

test("applyGrantResult() waits a tenth of the remaining lifetime when the server returns old credentials", () => {
  const { credentials } = applyGrantResult(undefined, answer(NOW - HOUR_MS / 2, NOW + HOUR_MS / 2), NOW, middle);
  assert.equal(credentials?.renewAtMs, NOW + HOUR_MS / 20);
});

test("applyGrantResult() spaces renewals that return old credentials until they expire", () => {
  const expiresAt = NOW + HOUR_MS;
  const times: number[] = [];
  for (let now = NOW + HOUR_MS / 2; now < expiresAt - 5_000; ) {
    const { credentials } = applyGrantResult(granted, answer(NOW, expiresAt), now, middle);
    now = credentials?.renewAtMs ?? 0;
    times.push(now);
  }
  const gaps = times.slice(1, -1).map((time, index) => time - (times[index] ?? 0));
  assert.ok(Math.min(...gaps) >= 30_000, `${Math.min(...gaps)} ms apart`);
  assert.equal(times.at(-1), expiresAt - 5_000, "and once more when they are no longer returned");
});

test("applyGrantResult() keeps newer credentials of the role that live longer than those of another replica", () => {
  const MINUTE_MS = HOUR_MS / 60;
  const older = answer(NOW - 59 * MINUTE_MS, NOW + MINUTE_MS);
  const { credentials: kept } = applyGrantResult(granted, older, NOW, middle);
  assert.equal(kept?.expiresAtMs, NOW + HOUR_MS);
  const now = NOW + 5 * MINUTE_MS;
  const shorter = applyGrantResult(granted, answer(now, now + 15 * MINUTE_MS), now, middle);
  assert.equal(shorter.credentials?.expiresAtMs, now + 15 * MINUTE_MS, "newer ones replace them, however short");
  const other = { ...granted, credentials: granted.credentials && { ...granted.credentials, roleArn: "another role" } };
  const changed = applyGrantResult(other, older, NOW, middle);
  assert.equal(changed.credentials?.expiresAtMs, NOW + MINUTE_MS, "so do those of another role");
});

for (const code of Object.keys(ERRORS) as ErrorCode[]) {
  const { keep } = ERRORS[code];
  test(`applyGrantResult() ${keep ? "keeps" : "revokes"} valid credentials on ${code}`, () => {
    const after = applyGrantResult(granted, refusal(code), NOW, middle);
    assert.equal(after.credentials?.accessKeyId, keep ? "ASIA1" : undefined);
    assert.equal(after.refusal?.code, code);
    assert.equal(after.served, true);
  });
}

test("applyGrantResult() does not keep expired credentials, whatever the refusal", () => {
  assert.equal(applyGrantResult(granted, refusal("STS_THROTTLED"), NOW + HOUR_MS, middle).credentials, undefined);
});

test("applyGrantResult() refuses credentials that have expired on arrival with CLOCK_SKEWED", () => {
  const after = applyGrantResult(undefined, answer(NOW - HOUR_MS, NOW), NOW, middle);
  assert.equal(after.credentials, undefined);
  assert.equal(after.refusal?.code, "CLOCK_SKEWED");
});

test("applyGrantResult() schedules every renewal after now and before expiry", () => {
  const instant = fc.integer({ min: -HOUR_MS, max: 12 * HOUR_MS });
  fc.assert(
    fc.property(instant, instant, fc.double({ min: 0, max: 1, noNaN: true }), (issued, expires, random) => {
      const { credentials } = applyGrantResult(undefined, answer(NOW + issued, NOW + expires), NOW, () => random);
      if (credentials === undefined || issued > 0) return;
      assert.ok(credentials.renewAtMs > NOW, "not after now");
      assert.ok(credentials.renewAtMs < credentials.expiresAtMs, "not before expiry");
    }),
  );
});

test("renewAt() returns the earliest time of certificate and credentials, and 0 when a container has none", () => {
  const certificate = { renewAtMs: NOW + 10, expiresAtMs: NOW + HOUR_MS };
  assert.equal(renewAt({ containers: [granted], certificate }, ["app"], NOW), NOW + 10);
  const late = { ...certificate, renewAtMs: NOW + HOUR_MS };
  assert.equal(renewAt({ containers: [granted], certificate: late }, ["app"], NOW), NOW + HOUR_MS / 2);
  assert.equal(renewAt({ containers: [granted], certificate }, ["app", "other"], NOW), 0);
  assert.equal(renewAt(undefined, ["app"], NOW), 0);
});

test("isComplete() requires valid credentials for every container", () => {
  const grants = { containers: [granted], certificate: undefined };
  assert.equal(isComplete(grants, ["app"], NOW), true);
  assert.equal(isComplete(grants, ["app", "other"], NOW), false);
  assert.equal(isComplete(grants, ["app"], NOW + HOUR_MS), false);
  assert.equal(isValid(granted.credentials, NOW + HOUR_MS - 6_000), true);
  assert.equal(isValid(granted.credentials, NOW + HOUR_MS - 5_000), false);
});
