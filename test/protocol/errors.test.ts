import assert from "node:assert/strict";
import { test } from "node:test";
import { isRefusal, PodroleError } from "../../src/protocol/errors.ts";

const OTHERS = [
  undefined,
  null,
  "ROLE_INVALID",
  {},
  { code: "ROLE_INVALID" },
  { code: "ENOENT", message: "no such file" },
  { code: "toString", message: "not a row of the table" },
  { code: 404, message: "not found" },
  { code: "ROLE_INVALID", message: 1 },
];

test("isRefusal() accepts an object with a code of the table and a message, and nothing else", () => {
  assert.ok(isRefusal({ code: "ROLE_INVALID", message: "Cannot use it" }));
  assert.ok(isRefusal(new PodroleError("INTERNAL", "podrole failed")));
  for (const value of OTHERS) assert.equal(isRefusal(value), false, JSON.stringify(value));
});
