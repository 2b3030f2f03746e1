import assert from "node:assert/strict";
import { test } from "node:test";
import { connectionProblem, connectionProblemIn } from "../../src/runtime/connection-problem.ts";
import { fc } from "../property.ts";

for (const [code, problem] of [
  ["ECONNREFUSED", "connection refused"],
  ["ENOTFOUND", "no such host"],
  ["CERT_HAS_EXPIRED", "its certificate has expired"],
  ["EPROTO", undefined],
  ["constructor", undefined],
  ["", undefined],
] as const) {
  test(`connectionProblem() returns ${problem} for ${JSON.stringify(code)}`, () => {
    assert.equal(connectionProblem(code), problem);
  });
}

test("connectionProblemIn() finds the first known code in a text", () => {
  assert.equal(connectionProblemIn("UNAVAILABLE: connect ECONNREFUSED ::1:80, then ETIMEDOUT"), "connection refused");
  assert.equal(connectionProblemIn("unavailable: econnrefused"), undefined);
});

test("connectionProblemIn() never throws", () => {
  fc.assert(fc.property(fc.string(), (text) => void connectionProblemIn(text)));
});
