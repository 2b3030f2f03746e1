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
    assert.match(look?.command ?? "", /^aws iam get-role --role-name shop-oders --query Role .* > role\.json$/);
    assert.match(
      look?.purpose ?? "",
      /^in account 210987654321, finds out whether the role exists, .* get-caller-identity shows this account$/,
    );
    const expected = [
      [
        /^kubectl -n shop annotate pod\/orders iam\.amazonaws\.com\/role=ROLE --/,
        /^only if that ends with NoSuchEntity, corrects the name, ROLE, to one that aws iam list-roles shows$/,
      ],
      [
        /^jq '.*select.*' role\.json$/,
        /^only if the role exists, prints its ARN, and each statement of its trust policy/,
      ],
      [
        /annotate pod\/orders iam\.amazonaws\.com\/role=ARN --/,
        /^only if the ARN is another one than the cause names, /,
      ],
      [/^jq '.*\.Statement \|= .*' role\.json > new-trust\.json$/, /^only if nothing but the ARN is printed, /],
      [
        /^aws iam update-assume-role-policy /,
        /^only if nothing but the ARN is printed, .*: look at it first, and keep role\.json, which has the present one$/,
      ],
      [/external-id=ID --overwrite$/, /^only if a printed Allow has a condition on sts:ExternalId, /],
      [
        /^jq \.AssumeRolePolicyDocument role\.json > new-trust\.json$/,
        /^only if a Deny, .* the owner of the role agrees/,
      ],
      [
        /^aws iam update-assume-role-policy /,
        /^only if a Deny, or an Allow with a condition on something else, is printed, /,
      ],
      [/^podrole aws policy /, /^only if an Allow without a condition is printed, and no Deny, /],
      [
        /^aws iam put-role-policy /,
        /^only if an Allow without a condition is printed, and no Deny, in account 123456789012, /,
      ],
    ] as const;
    assert.equal(others.length, expected.length);
    for (const [index, [command, purpose]] of expected.entries()) {
      assert.match(others[index]?.command ?? "", command);
      assert.match(others[index]?.purpose ?? "", purpose);
    }
  });

  test("changes no policy of a server of the role's account if the trust policy names the server itself", () => {
    const roleArn = ROLE.replace("210987654321", "123456789012");
    const message = `User: ${SESSION} is not authorized to perform: sts:AssumeRole on resource: ${roleArn}`;
    const own = `Cannot assume role ${roleArn}: AccessDenied: ${describeDenial(message, { roleArn })}`;
    const [print, put, simulate] = stepsOf(own).slice(-3);
    for (const step of [print, put])
      assert.match(step?.purpose ?? "", /^only if an Allow for the account or for all, /);
    assert.match(simulate?.purpose ?? "", /^only if an Allow for the server itself, without a condition, is printed/);
    assert.equal(
      simulate?.command,
      `aws iam simulate-principal-policy --policy-source-arn ${PRINCIPAL} --action-names sts:AssumeRole --resource-arns ${roleArn} --query 'EvaluationResults[].EvalDecision'`,
    );
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
    assert.match(forged[4] ?? "", /"AWS":"ARN"/);
    assert.ok(!forged.join().includes(PRINCIPAL), forged.join());
    // A record is cut where the author of a pod may choose, by the length of the role's path.
    const cut = UNNAMED.slice(0, UNNAMED.indexOf(PRINCIPAL) + PRINCIPAL.length - 7);
    assert.match(stepsOf(cut)[4]?.command ?? "", /"AWS":"ARN"/);
    assert.match(stepsOf(UNNAMED.slice(0, 50))[0]?.command ?? "", /--role-name NAME /);
  });

  test("asks for sts:TagSession only if session tags are on", () => {
    const actions = (hasSessionTags?: boolean) =>
      stepsOf(UNNAMED, { installation: { ...(hasSessionTags !== undefined && { hasSessionTags }) } })[4]?.command ?? "";
    assert.match(actions(true), /"Action":\["sts:AssumeRole","sts:TagSession"\]/);
    for (const known of [false, undefined]) assert.doesNotMatch(actions(known), /TagSession/);
  });

  const assume = { Effect: "Allow", Action: "sts:AssumeRole" };
  const service = { Service: "ec2.amazonaws.com" };
  for (const [what, statements, isPrinted] of [
    ["the principal", [{ ...assume, Principal: { AWS: [PRINCIPAL, "x"] } }], true],
    ["its account", { ...assume, Principal: { AWS: "arn:aws:iam::123456789012:root" } }, true],
    ["its account by the number", { ...assume, Principal: { AWS: "123456789012" } }, true],
    ["everyone", [{ ...assume, Principal: "*" }], true],
    ["every AWS principal", [{ ...assume, Principal: { AWS: "*" } }], true],
    [
      "the principal with a list of actions",
      [{ ...assume, Action: ["sts:TagSession", "sts:AssumeRole"], Principal: { AWS: PRINCIPAL } }],
      true,
    ],
    [
      "the principal with a pattern of actions",
      [{ ...assume, Action: "STS:Assume*", Principal: { AWS: PRINCIPAL } }],
      true,
    ],
    ["the principal with all actions", [{ ...assume, Action: "*", Principal: { AWS: PRINCIPAL } }], true],
    [
      "the principal with all but one action",
      [{ Effect: "Allow", NotAction: "sts:TagSession", Principal: { AWS: PRINCIPAL } }],
      true,
    ],
    ["the principal on a condition", [{ ...assume, Principal: { AWS: PRINCIPAL }, Condition: { Bool: {} } }], true],
    ["not the principal, but denies it", [{ ...assume, Effect: "Deny", Principal: { AWS: PRINCIPAL } }], true],
    [
      "not the principal, but denies all but another one",
      [{ ...assume, Effect: "Deny", NotPrincipal: { AWS: "x" } }],
      true,
    ],
    ["another service than the one that it denies", [{ ...assume, Effect: "Deny", NotPrincipal: service }], true],
    [
      "no one, and denies all but the principal",
      [{ ...assume, Effect: "Deny", NotPrincipal: { AWS: [PRINCIPAL] } }],
      false,
    ],
    [
      "the principal for another action",
      [{ ...assume, Action: "sts:TagSession", Principal: { AWS: PRINCIPAL } }],
      false,
    ],
    [
      "the principal for a web identity",
      [{ ...assume, Action: "sts:AssumeRoleWithSAML", Principal: { AWS: PRINCIPAL } }],
      false,
    ],
    ["a service", [{ ...assume, Principal: service }], false],
    ["a provider of identities", [{ ...assume, Principal: { Federated: "oidc" } }], false],
    ["another role", [{ ...assume, Principal: { AWS: `${PRINCIPAL}-2` } }], false],
  ] as const) {
    test(`prints ${isPrinted ? "the statement" : "the ARN alone"} of a policy that trusts ${what}`, () => {
      const { command = "" } = stepsOf(UNNAMED)[2] ?? {};
      const input = JSON.stringify({
        Arn: ROLE,
        AssumeRolePolicyDocument: { Version: "2012-10-17", Statement: statements },
      });
      const shown = command.replace(" role.json", "").replace("jq ", "jq --compact-output ");
      const { status, stdout, stderr } = spawnSync("bash", ["-c", shown], { input });
      assert.equal(status, 0, String(stderr));
      const printed = isPrinted ? [ROLE, ...[statements].flat()] : [ROLE];
      assert.equal(String(stdout), printed.map((each) => `${JSON.stringify(each)}\n`).join(""));
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
    assert.match(remedy, /STS is emulated, so correct it in the emulator, not in AWS/);
    assert.doesNotMatch(diagnoseCode({ code: "STS_DENIED", message: UNNAMED }).cause, /emulated/);
    assert.doesNotMatch(diagnoseCode({ code: "ROLE_MISSING", message: "x" }, context).cause, /emulated/);
  });

  for (const [what, emulatedSts, expected] of [
    [
      "a Service of the cluster",
      "http://sts.aws.svc.cluster.local:4566",
      ["kubectl -n aws port-forward service/sts 4566", "export AWS_ENDPOINT_URL=http://localhost:4566"],
    ],
    [
      "a Service with a port below 1024",
      "http://sts.aws.svc",
      ["kubectl -n aws port-forward service/sts 8080:80", "export AWS_ENDPOINT_URL=http://localhost:8080"],
    ],
    ["another host", "http://sts.example:4566/x", ["export AWS_ENDPOINT_URL=http://sts.example:4566/x"]],
    ["AWS", undefined, []],
  ] as const) {
    test(`begins with the commands that reach ${what}, whatever STS names`, () => {
      const installation = emulatedSts === undefined ? {} : { emulatedSts };
      for (const message of [UNNAMED, recordOf("sts:AssumeRole because no identity-based policy allows the action")]) {
        const commands = stepsOf(message, { installation }).map(({ command }) => command);
        assert.deepEqual(commands.slice(0, expected.length), expected);
        assert.match(commands[expected.length] ?? "", /^(?:aws|podrole aws) /);
      }
    });
  }
});
