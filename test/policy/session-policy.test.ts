import assert from "node:assert/strict";
import { test } from "node:test";
import { sessionPolicies, sessionPolicyConfigMap } from "../../src/policy/session-policy.ts";
import { isRefusal } from "../../src/protocol/errors.ts";
import { BASE_ARN, codeOf, parsedRole, podFactsWith } from "./facts.ts";

const ARNS = "podrole.io/session-policy-arns";
const POLICY = "podrole.io/session-policy";
const READER = parsedRole(`${BASE_ARN}reader`);
const OWN = "arn:aws:iam::123456789012:policy/narrow";
const TEXT = '{"Version":"2012-10-17","Statement":[]}';

test("sessionPolicies() returns no policy for a pod that requests none", () => {
  assert.deepEqual(sessionPolicies(podFactsWith(), READER, undefined), { policyArns: undefined, policy: undefined });
  // Not even a text that was fetched by mistake.
  assert.deepEqual(sessionPolicies(podFactsWith(), READER, { text: TEXT }), {
    policyArns: undefined,
    policy: undefined,
  });
});

test("sessionPolicies() accepts up to ten ARNs of AWS or of the role's account", () => {
  const arns = [OWN, "arn:aws:iam::aws:policy/ReadOnlyAccess", "arn:aws:iam::123456789012:policy/team/x"];
  const policies = sessionPolicies(podFactsWith({ [ARNS]: arns.join(" , ") }), READER, undefined);
  assert.ok(!isRefusal(policies));
  assert.deepEqual(policies.policyArns, arns);
  const ten = Array.from({ length: 10 }, (_, index) => `${OWN}${index}`);
  assert.equal(codeOf(sessionPolicies(podFactsWith({ [ARNS]: ten.join() }), READER, undefined)), undefined);
});

const BAD_ARNS: readonly (readonly [why: string, value: string])[] = [
  ["eleven", Array.from({ length: 11 }, (_, index) => `${OWN}${index}`).join()],
  ["none", ""],
  ["an empty element", `${OWN},`],
  ["another account", "arn:aws:iam::999999999999:policy/x"],
  ["another partition", "arn:aws-cn:iam::aws:policy/x"],
  ["a role", `${BASE_ARN}x`],
  ["a name", "narrow"],
  ["a line end", `${OWN}\nx`],
  ["a hundred thousand commas", ",".repeat(100_000)],
];

for (const [why, value] of BAD_ARNS) {
  test(`sessionPolicies() refuses ${why} in podrole.io/session-policy-arns`, () => {
    const refused = sessionPolicies(podFactsWith({ [ARNS]: value }), READER, undefined);
    assert.ok(isRefusal(refused));
    assert.equal(refused.code, "ANNOTATION_INVALID");
    assert.match(
      refused.message,
      /^Cannot use podrole\.io\/session-policy-arns ".*": it is not a usable list; expected up to 10 ARNs/,
    );
  });
}

test("sessionPolicies() passes the text of the ConfigMap on as it is", () => {
  const policies = sessionPolicies(podFactsWith({ [POLICY]: "narrow" }), READER, { text: ` ${TEXT}\n` });
  assert.deepEqual(policies, { policyArns: undefined, policy: ` ${TEXT}\n` });
});

test("sessionPolicies() accepts an unread ConfigMap at admission", () => {
  assert.deepEqual(sessionPolicies(podFactsWith({ [POLICY]: "narrow" }), READER, "deferred"), {
    policyArns: undefined,
    policy: undefined,
  });
  assert.equal(
    codeOf(sessionPolicies(podFactsWith({ [POLICY]: "No Name" }), READER, "deferred")),
    "ANNOTATION_INVALID",
  );
});

test("sessionPolicies() refuses a pod whose policy is unavailable", () => {
  const missing = [undefined, { text: undefined }];
  for (const source of missing) {
    const refused = sessionPolicies(podFactsWith({ [POLICY]: "narrow" }), READER, source);
    assert.ok(isRefusal(refused));
    assert.match(refused.message, /no such ConfigMap in namespace "shop", or it has no policy\.json/);
  }
});

test("sessionPolicies() refuses a text that is not a policy or too long", () => {
  const long = JSON.stringify({ Statement: ["x".repeat(2048)] });
  for (const text of [
    "",
    "{",
    "[]",
    "null",
    '"Statement"',
    "{}",
    '{"Statement":"日本"}',
    '{"Statement":\u0001}',
    long,
  ]) {
    const refused = sessionPolicies(podFactsWith({ [POLICY]: "narrow" }), READER, { text });
    assert.equal(codeOf(refused), "ANNOTATION_INVALID", text.slice(0, 30));
  }
});

test("sessionPolicies() limits policies and ARNs together", () => {
  const text = JSON.stringify({ Statement: "x".repeat(2048 - 16 - OWN.length) });
  assert.equal(text.length + OWN.length, 2048);
  const both = { [POLICY]: "narrow", [ARNS]: OWN };
  assert.equal(codeOf(sessionPolicies(podFactsWith(both), READER, { text })), undefined);
  const refused = sessionPolicies(podFactsWith(both), READER, { text: `${text} ` });
  assert.ok(isRefusal(refused));
  assert.match(refused.message, /session-policy-arns and podrole\.io\/session-policy: the session policies have 2049/);
});

test("sessionPolicyConfigMap() returns the ConfigMap to read", () => {
  assert.equal(sessionPolicyConfigMap(podFactsWith()), undefined);
  assert.equal(sessionPolicyConfigMap(podFactsWith({ [POLICY]: "team-a.narrow" })), "team-a.narrow");
  for (const name of ["", "../kube-system/x", "A", "-a", "a-", "a/b", "a".repeat(254)]) {
    assert.equal(codeOf(sessionPolicyConfigMap(podFactsWith({ [POLICY]: name }))), "ANNOTATION_INVALID", name);
  }
});
