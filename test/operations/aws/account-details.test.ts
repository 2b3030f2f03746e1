import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { parseAccountDetails } from "../../../src/operations/aws/account-details.ts";

const ARN = "arn:aws:iam::123456789012:role/shop-orders";
const OTHER_ARN = "arn:aws:iam::222222222222:role/billing";
const ALLOW = { Effect: "Allow", Principal: { AWS: "*" }, Action: "sts:AssumeRole" };

/** An output with one role. */
function output(role: object, more: object = {}): string {
  return JSON.stringify({ UserDetailList: [], RoleDetailList: [role], Policies: [], ...more });
}

/** An output with these roles. */
function rolesOf(...arns: readonly string[]): string {
  const roles = arns.map((arn) => ({ Arn: arn, AssumeRolePolicyDocument: { Statement: [ALLOW] } }));
  return JSON.stringify({ RoleDetailList: roles });
}

suite("parseAccountDetails()", () => {
  for (const [what, document] of [
    ["a list of statements", { Version: "2012-10-17", Statement: [ALLOW] }],
    ["one statement without a list", { Version: "2012-10-17", Statement: ALLOW }],
    [
      "a document with percent-encoding, as the API returns it",
      encodeURIComponent(JSON.stringify({ Statement: [ALLOW] })),
    ],
  ] as const) {
    test(`reads a trust policy with ${what}`, () => {
      const read = parseAccountDetails(output({ Arn: ARN, AssumeRolePolicyDocument: document }));
      assert.ok(read.ok);
      assert.deepEqual(read.value.trust, new Map([[ARN, [ALLOW]]]));
      assert.deepEqual(read.value.accountIds, new Set(["123456789012"]));
    });
  }

  test("reads the outputs of several accounts in one list", () => {
    const document = { Statement: [ALLOW] };
    const outputs = ["111111111111", "222222222222"].map((account) =>
      output({ Arn: `arn:aws:iam::${account}:role/a`, AssumeRolePolicyDocument: document }),
    );
    const read = parseAccountDetails(`[${outputs.join()}]`);
    assert.ok(read.ok);
    assert.deepEqual(read.value.accountIds, new Set(["111111111111", "222222222222"]));
  });

  for (const [what, text, problem] of [
    ["no JSON", "aws: command not found", /^is not JSON; expected the output of `aws iam get-account-/],
    ["JSON of another command", '{"Roles": []}', /^has no RoleDetailList; /],
    ["null", "null", /^has no RoleDetailList; /],
    ["a list with a text", '["x"]', /^has no RoleDetailList; /],
    ["one page of several", output({}, { IsTruncated: true }), /^contains only a part of the roles; /],
    ["a role that is a text", JSON.stringify({ RoleDetailList: ["x"] }), /^has a role without an ARN; /],
    ["a role without a trust policy", output({ Arn: ARN }), /^has no trust policy for arn:.*shop-orders; /],
    ["a statement that is a text", output({ Arn: ARN, AssumeRolePolicyDocument: { Statement: "x" } }), /^has no trust/],
    ["a role that one output has twice", rolesOf(ARN, ARN), /^contains arn:.*shop-orders twice; /],
    ["a role that two outputs have", `[${rolesOf(ARN)},${rolesOf(ARN)}]`, /^contains arn:.*shop-orders twice; /],
    [
      "an output that has a role of another account",
      `[${rolesOf(ARN)},${rolesOf(OTHER_ARN, ARN.replace("orders", "app"))}]`,
      /^has roles of accounts 222222222222, 123456789012 in one output; /,
    ],
    ["a document with bad percent-encoding", output({ Arn: ARN, AssumeRolePolicyDocument: "%" }), /^has no trust/],
  ] as const) {
    test(`says what is wrong with ${what}`, () => {
      const read = parseAccountDetails(text);
      assert.match(read.ok ? "" : read.problem, problem);
    });
  }
});
