import assert from "node:assert/strict";
import { test } from "node:test";
import { Metadata, type ServiceError, status } from "@grpc/grpc-js";
import { ERRORS, type ErrorCode, PodroleError, toPodroleError } from "../../src/protocol/errors.ts";
import { fromServiceError, toStatus } from "../../src/protocol/status.ts";

const received = (given: ReturnType<typeof toStatus>) =>
  Object.assign(new TypeError(given.details), { metadata: new Metadata(), ...given }) as ServiceError;

for (const code of Object.keys(ERRORS) as ErrorCode[]) {
  test(`toStatus() and fromServiceError() carry ${code} over the wire`, () => {
    const sent = new PodroleError(code, "Cannot do it: no", { retryAfterMs: 1_500.2 });
    const given = toStatus(sent);
    assert.equal(given.code, status[ERRORS[code].grpc]);
    const back = fromServiceError(received(given), "server:8444");
    assert.deepEqual([back.code, back.message, back.retryAfterMs], [code, sent.message, 1_501]);
  });
}

for (const [code, { http, retry }] of Object.entries(ERRORS)) {
  // Go v2, Java and Rust fail on a 4xx, and every SDK retries a 5xx.
  test(`ERRORS has an HTTP status on which SDKs ${retry ? "retry" : "fail"} for ${code}`, () => {
    assert.equal(http >= 500, retry, `${http}`);
  });
}

test("toStatus() does not contain the cause", () => {
  const given = toStatus(new PodroleError("INTERNAL", "podrole failed", { cause: new TypeError("hidden") }));
  assert.doesNotMatch(JSON.stringify(given), /hidden/);
});

for (const [details, state] of [
  [
    "No connection established. Last error: connect ECONNREFUSED 10.0.0.1:8443. Resolution note: ",
    "connection refused",
  ],
  ["No connection established. Last error: null. Resolution note: ", "no connection"],
  ["No connection established. Last error: odd end. Resolution note: x", "odd end"],
  ["Name resolution failed for target dns:podrole-server:8443", "no such host"],
  ["read ECONNRESET", "connection reset by peer"],
  ["SELF_SIGNED_CERT_IN_CHAIN", "its certificate is signed by an unknown authority"],
  ["Connection dropped", "Connection dropped"],
  ["", "no connection"],
] as const) {
  test(`fromServiceError() says "${state}" for ${JSON.stringify(details)}`, () => {
    const error = { code: status.UNAVAILABLE, details, metadata: new Metadata() } as unknown as ServiceError;
    const { message } = fromServiceError(error, "server:8444");
    assert.equal(message, `Cannot reach podrole's server at server:8444: ${state}`);
  });
}

for (const [what, error] of [
  ["no metadata at all", { code: status.UNAVAILABLE, details: "reset", metadata: undefined }],
  ["a status without a code of podrole", { code: status.PERMISSION_DENIED, details: "RBAC", metadata: new Metadata() }],
] as const) {
  test(`fromServiceError() returns SERVER_UNREACHABLE for ${what}`, () => {
    const mapped = fromServiceError(error as unknown as ServiceError, "server:8444");
    assert.equal(mapped.code, "SERVER_UNREACHABLE");
    assert.equal(mapped.message, `Cannot reach podrole's server at server:8444: ${error.details}`);
  });
}

test("fromServiceError() returns SERVER_UNREACHABLE for a code outside the error table", () => {
  const metadata = new Metadata();
  metadata.set("podrole-code", "constructor");
  const error = { code: status.UNAVAILABLE, details: "odd", metadata } as unknown as ServiceError;
  assert.equal(fromServiceError(error, "server:8444").code, "SERVER_UNREACHABLE");
});

test("toPodroleError() returns INTERNAL for any other error, without its text", () => {
  const mapped = toPodroleError(new TypeError("hidden"));
  assert.equal(mapped.code, "INTERNAL");
  assert.doesNotMatch(mapped.message, /hidden/);
});
