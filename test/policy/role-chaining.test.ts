import assert from "node:assert/strict";
import { test } from "node:test";
import { capForRoleChaining } from "../../src/policy/role-chaining.ts";
import { durationSeconds } from "../../src/policy/session.ts";
import { podFactsWith, policySettingsWith } from "./facts.ts";

const POLICY = policySettingsWith({ sessionDurationMs: 7_200_000, maxSessionDurationMs: 14_400_000 });
const requesting = (lifetime: string) => podFactsWith({ "podrole.io/session-duration": lifetime });

test("capForRoleChaining() shortens the sessions of a server that is a role session to one hour", () => {
  const capped = capForRoleChaining(POLICY, "arn:aws:sts::123456789012:assumed-role/podrole-server/eks-podrole-1");
  assert.equal(durationSeconds(podFactsWith(), capped), 3600);
  assert.equal(durationSeconds(requesting("4h"), capped), 3600, "shortened, not refused: it was admitted");
  assert.equal(durationSeconds(requesting("30m"), capped), 1800);
  const refused = durationSeconds(requesting("5h"), capped);
  assert.ok(typeof refused === "object");
  assert.match(refused.message, /expected 15m to 240m/);
});

for (const [what, arn] of [
  ["a user", "arn:aws:iam::123456789012:user/podrole"],
  // AWS does not count the role of an EC2 instance as the first link of a chain.
  ["the role of an EC2 instance", "arn:aws:sts::123456789012:assumed-role/nodes/i-0123456789abcdef0"],
  ["unknown", ""],
] as const) {
  test(`capForRoleChaining() changes nothing for a server that is ${what}`, () => {
    assert.equal(capForRoleChaining(POLICY, arn), POLICY);
    assert.equal(durationSeconds(requesting("4h"), POLICY), 14_400);
  });
}
