// In which AWS accounts roles and podrole's server are.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { accountsText, serverAccountOf } from "../../src/operations/aws-accounts.ts";

const [OWN, OTHER] = ["123456789012", "210987654321"];
const roleIn = (account: string, name = "orders") => `arn:aws:iam::${account}:role/${name}`;

suite("accountsText()", () => {
  for (const [what, roles, expected] of [
    ["a role of the server's account", [roleIn(OWN)], `AWS account: the role is in ${OWN}, and so is podrole's server`],
    [
      "several of them, each once",
      [roleIn(OWN), roleIn(OWN), roleIn(OWN, "mailer")],
      `AWS account: the roles are in ${OWN}, and so is podrole's server`,
    ],
    ["nothing for names that are no ARN", ["orders", ""], undefined],
    ["nothing without a role", [], undefined],
  ] as const) {
    test(`says of ${what}`, () => assert.equal(accountsText(roles, OWN), expected));
  }

  test("says what a role of another account takes", () => {
    assert.equal(
      accountsText([roleIn(OTHER)], OWN),
      `AWS accounts: the role is in ${OTHER}, and podrole's server is in ${OWN}: for a role of another account, its trust policy and the policies of the server both have to allow sts:AssumeRole`,
    );
    const mixed = [roleIn(OTHER), roleIn(OTHER, "mailer"), roleIn(OWN)];
    assert.match(
      accountsText(mixed, OWN) ?? "",
      /^AWS accounts: the roles are in 210987654321 \(2\), 123456789012 \(1\), /,
    );
  });

  test("assumes nothing while the server's account is unknown", () => {
    assert.equal(accountsText([roleIn(OWN)], undefined), undefined);
  });
});

test("serverAccountOf() returns what the replicas agree on", () => {
  assert.equal(serverAccountOf([{ account: OWN }, {}, { account: OWN }]), OWN);
  assert.equal(serverAccountOf([{ account: OWN }, { account: OTHER }]), undefined);
  assert.equal(serverAccountOf([{}]), undefined);
});
