import assert from "node:assert/strict";
import { test } from "node:test";
import { readSettings } from "../../src/runtime/settings.ts";
import { crossCheck } from "../../src/webhook/cross-check.ts";
import { WEBHOOK_SETTINGS } from "../../src/webhook/settings.ts";

function problemsOf(flags: Readonly<Record<string, string>>): readonly string[] {
  const read = readSettings(WEBHOOK_SETTINGS, flags, {});
  return read.ok ? crossCheck(read.settings) : read.problems;
}

for (const [what, flags, about] of [
  ["a default role that is no role", { defaultRole: "not a role" }, /--default-role "not a role"/],
  ["a default role that is a mistyped ARN", { defaultRole: "arn:aws:iam::12:role/x" }, /--default-role/],
  ["a session below STS's 15m", { sessionDuration: "14m" }, /--session-duration: STS issues/],
] as const) {
  test(`crossCheck() refuses ${what} at start, not at the first pod`, () => {
    const problems = problemsOf(flags);
    assert.equal(problems.length, 1, problems.join("; "));
    assert.match(problems[0] ?? "", about);
  });
}

for (const flags of [{}, { defaultRole: "team/orders" }, { defaultRole: "arn:aws-cn:iam::123456789012:role/x" }]) {
  test(`crossCheck() takes ${JSON.stringify(flags)}`, () => {
    assert.deepEqual(problemsOf(flags), []);
  });
}
