import assert from "node:assert/strict";
import { test } from "node:test";
import { ACTORS } from "../../src/protocol/error-row.ts";
import { ERRORS, isRefusal, PodroleError, refuse } from "../../src/protocol/errors.ts";

const OTHERS = [
  undefined,
  null,
  "ROLE_INVALID",
  {},
  { code: "ROLE_INVALID" },
  { code: "ENOENT", message: "no such file" },
  { code: "ROLE_INVALID", message: "Cannot use it" },
  new Error("ROLE_INVALID"),
];

test("isRefusal() accepts what refuse() made and a PodroleError, and nothing that only looks like one", () => {
  assert.ok(isRefusal(refuse("ROLE_INVALID", "Cannot use it")));
  assert.ok(isRefusal(new PodroleError("INTERNAL", "podrole failed")));
  for (const value of OTHERS) assert.equal(isRefusal(value), false, JSON.stringify(value));
});

test("refuse() makes a value that crosses the wire as its code and message alone", () => {
  const written = JSON.stringify(refuse("ROLE_INVALID", "Cannot use it"));
  assert.equal(written, '{"code":"ROLE_INVALID","message":"Cannot use it"}');
  assert.equal(isRefusal(JSON.parse(written)), false);
});

test("ERRORS names who acts on every error, each once, unless its remedy says that nothing is to be done", () => {
  for (const [code, { actors, remedy }] of Object.entries(ERRORS)) {
    assert.equal(actors.length === 0, remedy === "No action is needed.", code);
    assert.equal(new Set(actors).size, actors.length, code);
    for (const actor of actors) assert.ok(actor in ACTORS, `${code}: ${actor}`);
  }
});
