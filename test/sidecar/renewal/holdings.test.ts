// What the sidecar reports about its containers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { IssueCertificateRequest } from "../../../src/protocol/generated/podrole/v1/podrole.ts";
import { Secret } from "../../../src/runtime/secret.ts";
import type { ContainerGrant, Grants } from "../../../src/sidecar/grants.ts";
import { holdingsOf } from "../../../src/sidecar/renewal/holdings.ts";

const NOW = Date.parse("2026-01-01T00:00:00Z");
const ROLE = "arn:aws:iam::123456789012:role/orders";

function grant(changes: Partial<ContainerGrant> = {}): ContainerGrant {
  const credentials = {
    accessKeyId: "ASIAEXAMPLE",
    secretAccessKey: new Secret("secret-key"),
    sessionToken: new Secret("session-token"),
    roleArn: ROLE,
    accountId: "123456789012",
    issuedAtMs: NOW,
    expiresAtMs: NOW + 90_500,
    renewAtMs: NOW + 45_000,
  };
  return { container: "app", served: true, credentials, refusal: undefined, ...changes };
}

const grantsOf = (...containers: ContainerGrant[]): Grants => ({ containers, certificate: undefined });
const REFUSAL = { code: "STS_UNAVAILABLE", message: "Cannot", retryAfterMs: 0 } as const;

test("holdingsOf() reports role, remaining time and last refusal, and no secret", () => {
  const kept = grant({ container: "kept", refusal: REFUSAL });
  const refused = grant({
    container: "refused",
    credentials: undefined,
    refusal: { ...REFUSAL, code: "ROLE_FORBIDDEN" },
  });
  const report = holdingsOf(grantsOf(grant(), kept, refused), NOW);
  assert.deepEqual(report, [
    { container: "app", roleArn: ROLE, remainingSeconds: 90, code: "" },
    { container: "kept", roleArn: ROLE, remainingSeconds: 90, code: "STS_UNAVAILABLE" },
    { container: "refused", roleArn: "", remainingSeconds: 0, code: "ROLE_FORBIDDEN" },
  ]);
  assert.doesNotMatch(JSON.stringify(report), /ASIAEXAMPLE|secret-key|session-token/);
});

test("holdingsOf() reports neither expired credentials nor containers without any", () => {
  assert.deepEqual(holdingsOf(grantsOf(grant(), grant({ credentials: undefined })), NOW + 90_000), []);
  assert.deepEqual(holdingsOf(undefined, NOW), []);
});

test("holdingsOf() stays so small that the largest request of a pod fits into a message of 16 KiB", () => {
  const names = Array.from({ length: 128 }, (_, index) => `${"c".repeat(60)}${String(index).padStart(3, "0")}`);
  const roleArn = `arn:aws:iam::123456789012:role/${"p".repeat(500)}/${"r".repeat(64)}`;
  const grants = names.map((container) => {
    const whole = grant({ container, refusal: REFUSAL });
    return { ...whole, credentials: whole.credentials && { ...whole.credentials, roleArn } };
  });
  const holdings = holdingsOf(grantsOf(...grants), NOW);
  assert.ok(holdings.length > 3);
  const request = {
    token: "t".repeat(3_000),
    certificateSigningRequest: Buffer.alloc(600),
    bundleHash: "h".repeat(64),
    containers: names,
    holdings: [...holdings],
  };
  assert.ok(IssueCertificateRequest.encode(request).finish().byteLength < 16 * 1024);
  assert.ok(holdings.length < 128);
});
