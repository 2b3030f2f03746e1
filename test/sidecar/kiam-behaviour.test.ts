// How kiam's agent and kube2iam answer an SDK, one behaviour per test title, and how podrole's sidecar answers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ERRORS } from "../../src/protocol/errors.ts";
import { Secret } from "../../src/runtime/secret.ts";
import { credentialsReply, refusalReply } from "../../src/sidecar/http/replies.ts";

const REPLY = credentialsReply({
  accessKeyId: "ASIA1",
  secretAccessKey: new Secret("key"),
  sessionToken: new Secret("session"),
  roleArn: "arn:aws:iam::123456789012:role/app",
  accountId: "123456789012",
  issuedAtMs: Date.parse("2025-12-31T23:00:00.999Z"),
  expiresAtMs: Date.parse("2026-01-01T00:00:00.999Z"),
  renewAtMs: 0,
});
const BODY = JSON.parse(REPLY.body) as Record<string, string>;

test("kiam: kiam returns credentials as JSON with AccessKeyId, SecretAccessKey, Token and Expiration (same) [pkg/aws/sts/credentials.go]", () => {
  const { AccessKeyId, SecretAccessKey, Token } = BODY;
  assert.deepEqual([AccessKeyId, SecretAccessKey, Token], ["ASIA1", "key", "session"]);
});

test("kiam: kiam writes Expiration in UTC and whole seconds (same) [pkg/aws/sts/credentials.go]", () => {
  assert.equal(BODY["Expiration"], "2026-01-01T00:00:00Z");
});

test("kiam: kiam's answer has Code, Type and LastUpdated, as that of the instance metadata service (differs: podrole's answer has AccountId and RoleArn, as that of a container credentials endpoint) [pkg/aws/sts/credentials.go]", () => {
  assert.deepEqual(Object.keys(BODY).slice(4), ["AccountId", "RoleArn"]);
});

test("kiam: over a network connection, kiam sends credentials with Content-Type text/plain (differs: podrole sends them with application/json) [pkg/aws/metadata]", () => {
  assert.deepEqual(REPLY.headers.slice(0, 2), ["Content-Type", "application/json"]);
});

test("kiam: for a forbidden role, kiam retries for 5 s and then returns HTTP 500 (differs: podrole returns 403 immediately, with code and message) [pkg/aws/metadata]", () => {
  const { status, body } = refusalReply({ code: "ROLE_FORBIDDEN", message: "Cannot give role" });
  const { code, Code, message } = JSON.parse(body);
  assert.deepEqual([status, code, Code, message], [403, "ROLE_FORBIDDEN", "ROLE_FORBIDDEN", "Cannot give role"]);
});

test("kiam: during an STS outage, kiam returns HTTP 500 (differs: podrole returns 503, which SDKs retry) [pkg/aws/metadata]", () => {
  assert.deepEqual([ERRORS.STS_UNAVAILABLE.http, ERRORS.STS_THROTTLED.http], [503, 503]);
});

test("kube2iam: for a role that the namespace does not allow, kube2iam returns HTTP 404 (differs: podrole returns 403, because SDKs interpret 404 as a missing credentials service) [server/server.go]", () => {
  assert.equal(refusalReply({ code: "ROLE_FORBIDDEN", message: "no" }).status, 403);
});
