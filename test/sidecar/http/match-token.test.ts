import assert from "node:assert/strict";
import { test } from "node:test";
import { Secret } from "../../../src/runtime/secret.ts";
import { hashOf } from "../../../src/sidecar/authorization-tokens.ts";
import { createTokenMatcher } from "../../../src/sidecar/http/match-token.ts";

const authorize = createTokenMatcher({
  current: [new Secret("first"), new Secret("second")],
  earlier: [hashOf("old"), hashOf("second")],
});

test("createTokenMatcher() returns the container of a current token, also if a hash of it is among the earlier ones", () => {
  assert.deepEqual(authorize("first"), { token: "current", containerIndex: 0 });
  assert.deepEqual(authorize("second"), { token: "current", containerIndex: 1 });
});

test("createTokenMatcher() tells an earlier token from a header that never was one", () => {
  assert.deepEqual(authorize("old"), { token: "replaced" });
  for (const other of ["", "firs", "first ", "Bearer first", "FIRST", "third", "Bearer old", hashOf("old")])
    assert.deepEqual(authorize(other), { token: "unknown" }, other);
});
