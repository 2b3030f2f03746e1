// What a role trusts, against what podrole needs: each row is a trust policy and the answer.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { AccountDetails, PolicyStatement } from "../../../src/operations/aws/account-details.ts";
import { type RoleTrustState, reviewTrust, trustStateOf } from "../../../src/operations/aws/existing-trust.ts";
import type { RequiredTrust } from "../../../src/operations/aws/policies.ts";
import { parseRoleArn } from "../../../src/policy/role.ts";

const ACCOUNT = "123456789012";
const ARN = `arn:aws:iam::${ACCOUNT}:role/shop-orders`;
const SERVER = "arn:aws:iam::210987654321:role/podrole-server";

function required(more: Partial<RequiredTrust> = {}): RequiredTrust {
  const role = parseRoleArn(ARN);
  assert.ok(role);
  return { role, principal: SERVER, actions: ["sts:AssumeRole"], externalIds: undefined, ...more };
}

function detailsWith(...statements: readonly PolicyStatement[]): AccountDetails {
  return { accountIds: new Set([ACCOUNT]), trust: new Map([[ARN, statements]]) };
}

const ALLOW = { Effect: "Allow", Principal: { AWS: SERVER }, Action: "sts:AssumeRole" };
const TRUSTED: RoleTrustState = { state: "trusted" };
const MISSING: RoleTrustState = { state: "missing", actions: ["sts:AssumeRole"] };
const CONDITION: RoleTrustState = {
  state: "unclear",
  reason: "the statement that may allow it has a condition, NotPrincipal or NotAction",
};
const DENY: RoleTrustState = { state: "unclear", reason: "a statement with Deny may apply" };
const TAGGED = { actions: ["sts:AssumeRole", "sts:TagSession"] };
const onId = (operator: string, ...ids: readonly string[]) => ({
  Condition: { [operator]: { "sts:ExternalId": ids } },
});

type Row = readonly [
  what: string,
  statements: readonly PolicyStatement[],
  state: RoleTrustState,
  more?: Partial<RequiredTrust>,
];

const ROWS: readonly Row[] = [
  ["names the principal", [ALLOW], TRUSTED],
  ["names it in a list", [{ ...ALLOW, Principal: { AWS: ["arn:aws:iam::1:role/a", SERVER] } }], TRUSTED],
  ["names the principal's account", [{ ...ALLOW, Principal: { AWS: "arn:aws:iam::210987654321:root" } }], TRUSTED],
  ["names the account by its ID", [{ ...ALLOW, Principal: { AWS: "210987654321" } }], TRUSTED],
  ["names everybody", [{ ...ALLOW, Principal: "*" }], TRUSTED],
  ["names its own account only", [{ ...ALLOW, Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` } }], MISSING],
  ["names a service", [{ ...ALLOW, Principal: { Service: "ec2.amazonaws.com" } }], MISSING],
  ["names a principal that begins alike", [{ ...ALLOW, Principal: { AWS: `${SERVER}2` } }], MISSING],
  ["has no statement", [], MISSING],
  ["has another action", [{ ...ALLOW, Action: "sts:AssumeRoleWithWebIdentity" }], MISSING],
  ["has the action with a wildcard", [{ ...ALLOW, Action: "STS:Assume*" }], TRUSTED],
  ["has a wildcard that is shorter than the action", [{ ...ALLOW, Action: "sts:Assume?" }], MISSING],
  ["lacks one of two actions", [ALLOW], { state: "missing", actions: ["sts:TagSession"] }, TAGGED],
  ["has both actions in two statements", [ALLOW, { ...ALLOW, Action: ["sts:TagSession"] }], TRUSTED, TAGGED],
  [
    "requires the external ID that all pods send",
    [{ ...ALLOW, ...onId("StringEquals", "a", "b") }],
    TRUSTED,
    { externalIds: ["a"] },
  ],
  ["requires an external ID that one pod does not send", [{ ...ALLOW, ...onId("StringEquals", "a") }], CONDITION],
  [
    "requires another external ID",
    [{ ...ALLOW, ...onId("StringEquals", "a") }],
    CONDITION,
    { externalIds: ["a", "b"] },
  ],
  ["compares the external ID otherwise", [{ ...ALLOW, ...onId("StringLike", "*") }], CONDITION, { externalIds: ["a"] }],
  ["has a condition of an unknown form", [{ ...ALLOW, Condition: "x" }], CONDITION],
  ["has many wildcards and another action", [{ ...ALLOW, Action: `${"*".repeat(500)}x` }], MISSING],
  ["has another condition", [{ ...ALLOW, Condition: { Bool: { "aws:SecureTransport": "true" } } }], CONDITION],
  ["allows all principals but some", [{ Effect: "Allow", NotPrincipal: { AWS: SERVER }, Action: "sts:*" }], CONDITION],
  ["allows all actions but some", [{ Effect: "Allow", Principal: "*", NotAction: "iam:*" }], CONDITION],
  ["has a statement with a condition and one without", [{ ...ALLOW, ...onId("StringEquals", "a") }, ALLOW], TRUSTED],
  ["denies the principal", [ALLOW, { ...ALLOW, Effect: "Deny" }], DENY],
  ["denies all others", [ALLOW, { Effect: "Deny", NotPrincipal: { AWS: SERVER }, Action: "*" }], DENY],
  ["denies all other actions", [ALLOW, { Effect: "Deny", Principal: "*", NotAction: "sts:AssumeRole" }], DENY],
  [
    "denies another principal",
    [ALLOW, { ...ALLOW, Effect: "Deny", Principal: { AWS: "arn:aws:iam::1:role/a" } }],
    TRUSTED,
  ],
];

suite("trustStateOf()", () => {
  for (const [what, statements, state, more] of ROWS) {
    test(`returns ${state.state} if the trust policy ${what}`, () => {
      assert.deepEqual(trustStateOf(required(more), detailsWith(...statements)), state);
    });
  }

  test("returns absent for a role that the account does not have, and unlisted for an account without roles", () => {
    const details = { accountIds: new Set([ACCOUNT]), trust: new Map() };
    assert.deepEqual(trustStateOf(required(), details), { state: "absent" });
    assert.deepEqual(trustStateOf(required(), { ...details, accountIds: new Set() }), { state: "unlisted" });
  });
});

test("reviewTrust() returns every state, and the existing statements of those roles that lack an action", () => {
  const other = { Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" }, Action: "sts:AssumeRole" };
  const one = required();
  assert.deepEqual(reviewTrust([one], detailsWith(other)), {
    states: [{ roleArn: ARN, ...MISSING }],
    lacking: [{ required: one, existing: [other] }],
  });
  assert.deepEqual(reviewTrust([one], detailsWith(ALLOW)).lacking, []);
});
