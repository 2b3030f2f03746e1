// What of a sidecar's report the server believes to have its form.
import assert from "node:assert/strict";
import { test } from "node:test";
import { readReportedHoldings } from "../../../src/server/issue/reported-holdings.ts";

const ROLE = "arn:aws:iam::123456789012:role/orders";
const holding = (changes: object = {}) => ({
  ...{ container: "app", roleArn: ROLE, remainingSeconds: 60, code: "" },
  ...changes,
});

test("readReportedHoldings() returns role, remaining time and the last refusal", () => {
  assert.deepEqual(readReportedHoldings([holding()]), [{ container: "app", role: ROLE, remainingMs: 60_000 }]);
  const refused = holding({ roleArn: "", remainingSeconds: 0, code: "STS_DENIED" });
  assert.deepEqual(readReportedHoldings([refused]), [{ container: "app", remainingMs: 0, code: "STS_DENIED" }]);
});

for (const [what, changes] of [
  ["a container that is no DNS label", { container: "../app" }],
  ["no container", { container: "" }],
  ["neither a role nor a code", { roleArn: "", code: "" }],
  ["a text that is no role", { roleArn: "x".repeat(100_000) }],
  ["a code that no version has", { roleArn: "", code: "<script>" }],
] as const) {
  test(`readReportedHoldings() drops a holding with ${what}`, () => {
    assert.deepEqual(readReportedHoldings([holding(changes)]), []);
  });
}

test("readReportedHoldings() takes one holding of a container, 128 in all, and 12 hours at most", () => {
  assert.equal(readReportedHoldings([holding(), holding()]).length, 1);
  const many = Array.from({ length: 5_000 }, (_, index) => holding({ container: `c-${index}` }));
  assert.equal(readReportedHoldings(many).length, 128);
  assert.equal(readReportedHoldings([holding({ remainingSeconds: 2 ** 32 - 1 })])[0]?.remainingMs, 12 * 3_600_000);
});
