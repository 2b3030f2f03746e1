// What an operator is told to do about a denied AssumeRole, by what STS says about it. The messages are those that the
// server makes of STS's.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { suite, test } from "node:test";
import { type ConcernedPod, stepsAfterCode } from "../../src/operations/code-steps.ts";
import { denialRemedy } from "../../src/operations/denied-call.ts";
import { diagnoseCode } from "../../src/operations/sidecar-diagnosis.ts";
import { partsOfStep } from "../../src/operations/step-parts.ts";
import { describeDenial } from "../../src/server/aws/sts-denial.ts";

const ROLE = "arn:aws:iam::210987654321:role/team/shop-oders";
const PRINCIPAL = "arn:aws:iam::123456789012:role/podrole-server";
const SESSION = "arn:aws:sts::123456789012:assumed-role/podrole-server/i-0abc";

/** The server's record of a denial whose message from STS ends with `rest`. */
function recordOf(rest: string): string {
  const message = `User: ${SESSION} is not authorized to perform: ${rest}`;
  return `Cannot assume role ${ROLE}: AccessDenied: ${describeDenial(message, { roleArn: ROLE })}`;
}

const UNNAMED = recordOf(`sts:AssumeRole on resource: ${ROLE}`);
const OBJECT = { namespace: "shop", kind: "pod", name: "orders" };
const DEPLOYMENT = { namespace: "shop", kind: "deployment", name: "orders" };

function stepsOf(serverMessage: string, concerned: Partial<ConcernedPod> = {}) {
  return stepsAfterCode("STS_DENIED", { object: OBJECT, serverMessage, ...concerned }).map(partsOfStep);
}

suite("stepsAfterCode() for STS_DENIED", () => {
  test("has one step for each thing that may be wrong, and each but the first with its condition", () => {
    const [look, ...others] = stepsOf(UNNAMED);
    assert.match(look?.command ?? "", /^aws iam get-role --role-name shop-oders .* > trust\.json$/);
    assert.match(look?.purpose ?? "", /^in account 210987654321, finds out whether the role exists/);
    const expected = [
      [
        /^kubectl -n shop annotate pod\/orders iam\.amazonaws\.com\/role=ROLE --/,
        /^only if that ends with NoSuchEntity/,
      ],
      [/^jq '.*select.*' trust\.json$/, /^only if the role exists, prints the statements for the server$/],
      [/^jq '\.Statement \|= .*' trust\.json > new-trust\.json$/, /^only if none is printed, /],
      [/^aws iam update-assume-role-policy /, /^only if none is printed, .*: look at it first$/],
      [/external-id=ID --overwrite$/, /^only if a printed statement has a condition on sts:ExternalId, /],
      [/^podrole aws policy /, /^only if a printed statement allows it without a condition, /],
      [
        /^aws iam put-role-policy /,
        /^only if a printed statement allows it without a condition, in account 123456789012, /,
      ],
    ] as const;
    assert.equal(others.length, expected.length);
    for (const [index, [command, purpose]] of expected.entries()) {
      assert.match(others[index]?.command ?? "", command);
      assert.match(others[index]?.purpose ?? "", purpose);
    }
  });

  test("corrects the name where the role is named, and with the permitted name that is spelt almost the same", () => {
    const annotations = { "iam.amazonaws.com/role": "other", "iam.amazonaws.com/role.app": "team/shop-oders" };
    const place = { roles: { object: DEPLOYMENT, annotations } };
    assert.match(stepsOf(UNNAMED, place)[1]?.command ?? "", /patch deployment\/orders .*role\.app":"ROLE"/);
    const permitted = { "iam.amazonaws.com/permitted": ".*:role/team/shop-orders|.*" };
    const misspelt = { roles: { ...place.roles, namespaceAnnotations: permitted } };
    const { command = "", purpose = "" } = stepsOf(UNNAMED, misspelt)[1] ?? {};
    assert.match(command, /patch deployment\/orders .*role\.app":"team\/shop-orders"/);
    assert.match(
      purpose,
      /^only if that ends with NoSuchEntity, names team\/shop-orders, which the namespace permits$/,
    );
  });

  test("changes the policy alone that STS names", () => {
    const commands = (rest: string) => stepsOf(recordOf(rest)).map(({ command }) => command.split(" ", 3).join(" "));
    const reason = (policy: string) => `sts:AssumeRole on resource: ${ROLE} ${policy}`;
    assert.deepEqual(commands(reason("because no role trust policy allows the sts:AssumeRole action")), [
      "aws iam get-role",
      "jq '.Statement |=",
      "aws iam update-assume-role-policy",
    ]);
    assert.deepEqual(commands(reason("because no identity-based policy allows the sts:AssumeRole action")), [
      "podrole aws policy",
      "aws iam put-role-policy",
    ]);
    for (const other of [
      "with an explicit deny in the role trust policy",
      "with an explicit deny in an identity-based policy",
      "because no service control policy allows the sts:AssumeRole action",
      "because no permissions boundary allows the sts:AssumeRole action",
    ]) {
      assert.deepEqual(commands(reason(other)), ["aws iam get-role"], other);
    }
    assert.equal(commands(`sts:TagSession on resource: ${ROLE}`).length, 5);
  });

  test("names principal and role only if the server's own message does", () => {
    const forged = stepsOf("", { message: UNNAMED }).map(({ command }) => command);
    assert.match(forged[0] ?? "", /--role-name NAME /);
    assert.match(forged[3] ?? "", /"AWS":"ARN"/);
    assert.ok(!forged.join().includes(PRINCIPAL), forged.join());
    // A record is cut where the author of a pod may choose, by the length of the role's path.
    const cut = UNNAMED.slice(0, UNNAMED.indexOf(PRINCIPAL) + PRINCIPAL.length - 7);
    assert.match(stepsOf(cut)[3]?.command ?? "", /"AWS":"ARN"/);
    assert.match(stepsOf(UNNAMED.slice(0, 50))[0]?.command ?? "", /--role-name NAME /);
  });

  test("asks for sts:TagSession only if session tags are on", () => {
    const actions = (hasSessionTags?: boolean) =>
      stepsOf(UNNAMED, { installation: { ...(hasSessionTags !== undefined && { hasSessionTags }) } })[3]?.command ?? "";
    assert.match(actions(true), /"Action":\["sts:AssumeRole","sts:TagSession"\]/);
    for (const known of [false, undefined]) assert.doesNotMatch(actions(known), /TagSession/);
  });

  for (const [what, statements, isPrinted] of [
    ["the principal", [{ Effect: "Allow", Principal: { AWS: [PRINCIPAL, "x"] } }], true],
    ["its account", { Effect: "Allow", Principal: { AWS: "arn:aws:iam::123456789012:root" } }, true],
    ["everyone", [{ Effect: "Allow", Principal: "*" }], true],
    ["a service", [{ Effect: "Allow", Principal: { Service: "ec2.amazonaws.com" } }], false],
    ["another role", [{ Effect: "Allow", Principal: { AWS: `${PRINCIPAL}-2` } }], false],
  ] as const) {
    test(`prints ${isPrinted ? "a" : "no"} statement of a policy that trusts ${what}`, () => {
      const { command = "" } = stepsOf(UNNAMED)[2] ?? {};
      const input = JSON.stringify({ Version: "2012-10-17", Statement: statements });
      const { status, stdout, stderr } = spawnSync("bash", ["-c", command.replace(" trust.json", "")], { input });
      assert.equal(status, 0, String(stderr));
      assert.equal(String(stdout) !== "", isPrinted, String(stdout));
    });
  }
});

suite("denialRemedy()", () => {
  test("lists what may be wrong in the order of the commands, and nothing else if STS names a policy", () => {
    const remedy = (serverMessage: string) => denialRemedy({ message: serverMessage, serverMessage }) ?? "";
    assert.match(
      remedy(UNNAMED),
      /in this order .*: the role's name, .*; its trust policy, .*; the external id, .*; else/,
    );
    const named = recordOf(`sts:AssumeRole on resource: ${ROLE} because no role trust policy allows the action`);
    assert.equal(remedy(named), `Allow sts:AssumeRole to ${PRINCIPAL} in the trust policy of shop-oders.`);
    assert.equal(remedy(recordOf("sts:AssumeRole with an explicit deny in a service control policy")), "");
  });

  test("says that STS is emulated, and where commands of aws have to go then", () => {
    const emulatedSts = "http://sts.aws.svc:4566";
    const context = { serverMessage: UNNAMED, installation: { emulatedSts } };
    const { cause, remedy = "" } = diagnoseCode({ code: "STS_DENIED", message: UNNAMED }, context);
    assert.match(cause, /\(STS is emulated: the server calls http:\/\/sts\.aws\.svc:4566, not AWS\)$/);
    assert.match(remedy, /set AWS_ENDPOINT_URL /);
    assert.doesNotMatch(diagnoseCode({ code: "STS_DENIED", message: UNNAMED }).cause, /emulated/);
    assert.doesNotMatch(diagnoseCode({ code: "ROLE_MISSING", message: "x" }, context).cause, /emulated/);
  });
});
