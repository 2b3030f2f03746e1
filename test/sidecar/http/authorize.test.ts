import assert from "node:assert/strict";
import { test } from "node:test";
import { Secret } from "../../../src/runtime/secret.ts";
import { createAuthorize } from "../../../src/sidecar/http/authorize.ts";
import { hashOf } from "../../../src/sidecar/authorization-tokens.ts";

const authorize = createAuthorize({
  current: [new Secret("first"), new Secret("second")],
  earlier: [hashOf("old"), hashOf("second")],
});

test("createAuthorize() returns the container of a current token, also if a hash of it is among the earlier ones", () => {
  assert.equal(authorize("first"), 0);
  assert.equal(authorize("second"), 1);
});

test("createAuthorize() tells an earlier token from a header that never was one", () => {
  assert.equal(authorize("old"), "earlier");
  for (const other of ["", "firs", "first ", "Bearer first", "FIRST", "third", "Bearer old", hashOf("old")])
    assert.equal(authorize(other), "unknown", other);
});
