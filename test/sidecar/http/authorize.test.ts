import assert from "node:assert/strict";
import { test } from "node:test";
import { Secret } from "../../../src/runtime/secret.ts";
import { createAuthorize } from "../../../src/sidecar/http/authorize.ts";

test("createAuthorize() returns the container of a token, and -1 for any other header", () => {
  const authorize = createAuthorize([new Secret("first"), new Secret("second")]);
  assert.equal(authorize("first"), 0);
  assert.equal(authorize("second"), 1);
  for (const other of ["", "firs", "first ", "Bearer first", "FIRST", "third"])
    assert.equal(authorize(other), -1, other);
});
