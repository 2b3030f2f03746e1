import assert from "node:assert/strict";
import { test } from "node:test";
import type { PolicySettings } from "../../src/policy/decide.ts";
import { findPolicyProblems } from "../../src/policy/settings.ts";
import { HOUR_MS } from "../../src/runtime/clock.ts";
import { BASE_ARN, policySettingsWith } from "./facts.ts";

const FINE: readonly Partial<PolicySettings>[] = [
  {},
  { baseArn: undefined, defaultRole: "short" },
  { sessionDurationMs: HOUR_MS, maxSessionDurationMs: 12 * HOUR_MS },
  { sessionName: { kind: "kiam", session: "any thing" } },
  { sessionName: { kind: "template", template: "{cluster}.{uid}" }, clusterName: "prod" },
  { sessionTags: true, sessionTagLabels: Array.from({ length: 45 }, (_, index) => `l${index}`) },
  { firstHops: { [`${BASE_ARN}a`]: `${BASE_ARN}b` } },
  { sessionTags: true, transitiveTags: true, clusterArn: "arn:aws-cn:eks:cn-north-1:123456789012:cluster/prod_1" },
];

test("findPolicyProblems() returns no problem for valid settings", () => {
  for (const given of FINE) assert.deepEqual(findPolicyProblems(policySettingsWith(given)), []);
});

const WRONG: readonly (readonly [Partial<PolicySettings>, RegExp])[] = [
  [{ sessionDurationMs: 60_000 }, /^--session-duration: STS/],
  [{ sessionDurationMs: 13 * HOUR_MS }, /^--session-duration: STS/],
  [{ sessionDurationMs: Number.NaN }, /^--session-duration: STS/],
  [{ maxSessionDurationMs: 13 * HOUR_MS }, /^--max-session-duration: STS/],
  [{ sessionDurationMs: 2 * HOUR_MS, maxSessionDurationMs: HOUR_MS }, /^--max-session-duration: it is below/],
  [{ sessionName: { kind: "template", template: "{node}" } }, /^--session-name: \{node\}/],
  [{ sessionName: { kind: "template", template: "{cluster}" } }, /^--session-name: .*--cluster-name/],
  [{ defaultRole: "a b" }, /--default-role/],
  [{ baseArn: undefined, defaultRole: "arn:foo" }, /--default-role/],
  [{ sessionTagLabels: ["k".repeat(129)] }, /^--session-tag-labels: .*cannot be the key/],
  [{ sessionTagLabels: ["Kubernetes-Namespace"] }, /^--session-tag-labels: .*duplicate/],
  [{ sessionTagLabels: ["team", "Team"] }, /^--session-tag-labels: .*duplicate/],
  [
    { sessionTags: true, sessionTagLabels: Array.from({ length: 46 }, (_, i) => `l${i}`) },
    /51 tags; expected at most 50/,
  ],
  [{ sessionTags: true, clusterName: "a;b" }, /^--cluster-name/],
  [{ transitiveTags: true }, /^--session-tags-transitive: expected --session-tags/],
  [{ clusterArn: "prod" }, /^--cluster-arn: "prod"/],
  [{ firstHops: { [`${BASE_ARN}a`]: `${BASE_ARN}b` }, sessionDurationMs: 2 * HOUR_MS }, /role chaining/],
];

test("findPolicyProblems() names each invalid setting", () => {
  for (const [given, problem] of WRONG) {
    const problems = findPolicyProblems(policySettingsWith(given));
    assert.ok(
      problems.some((text) => problem.test(text)),
      `${problem} in ${problems.join("; ")}`,
    );
  }
});

test("findPolicyProblems() returns all problems at once", () => {
  const wrong = policySettingsWith({
    sessionDurationMs: 1,
    defaultRole: "",
    sessionName: { kind: "template", template: "" },
  });
  assert.equal(findPolicyProblems(wrong).length, 3);
});
