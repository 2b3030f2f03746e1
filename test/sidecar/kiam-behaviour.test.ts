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
const BODY = JSON.parse(REPLY.body.toString()) as Record<string, string>;

test("kiam: credentials are JSON of AccessKeyId, SecretAccessKey, Token and Expiration (same) [pkg/aws/sts/credentials.go]", () => {
  const { AccessKeyId, SecretAccessKey, Token } = BODY;
  assert.deepEqual([AccessKeyId, SecretAccessKey, Token], ["ASIA1", "key", "session"]);
});

test("kiam: Expiration is UTC in whole seconds (same) [pkg/aws/sts/credentials.go]", () => {
  assert.equal(BODY["Expiration"], "2026-01-01T00:00:00Z");
});

test("kiam: the answer has Code, Type and LastUpdated, as the metadata service's (differs: AccountId and RoleArn, as the container provider's) [pkg/aws/sts/credentials.go]", () => {
  assert.deepEqual(Object.keys(BODY).slice(4), ["AccountId", "RoleArn"]);
});

test("kiam: over a socket credentials come as text/plain (differs: application/json) [pkg/aws/metadata]", () => {
  assert.deepEqual(REPLY.headers.slice(0, 2), ["Content-Type", "application/json"]);
});

test("kiam: a forbidden role is HTTP 500 after retries of 5 s (differs: 403 at once, with code and message) [pkg/aws/metadata]", () => {
  const { status, body } = refusalReply({ code: "ROLE_FORBIDDEN", message: "Cannot give role" });
  const { code, Code, message } = JSON.parse(body.toString());
  assert.deepEqual([status, code, Code, message], [403, "ROLE_FORBIDDEN", "ROLE_FORBIDDEN", "Cannot give role"]);
});

test("kiam: an STS outage is HTTP 500 (differs: 503, which SDKs retry) [pkg/aws/metadata]", () => {
  assert.deepEqual([ERRORS.STS_UNAVAILABLE.http, ERRORS.STS_THROTTLED.http], [503, 503]);
});

test("kube2iam: a namespace's refusal is HTTP 404 (differs: 403, because SDKs interpret 404 as no credentials service) [server/server.go]", () => {
  assert.equal(refusalReply({ code: "ROLE_FORBIDDEN", message: "no" }).status, 403);
});
