// AccessDenied messages as AWS documents them or users reported them, and podrole's explanation of each.
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html)
import assert from "node:assert/strict";
import { test } from "node:test";
import { describeDenial } from "../../../src/server/aws/sts-denial.ts";

const SESSION = "arn:aws:sts::123456789012:assumed-role/podrole-server/i-0123456789abcdef0";
const SERVER = "arn:aws:iam::123456789012:role/podrole-server";
const ROLE = "arn:aws:iam::210987654321:role/team/orders";

const denied = (rest: string) => `User: ${SESSION} is not authorized to perform: ${rest}`;
const TRUSTED = `{"Effect":"Allow","Principal":{"AWS":"${SERVER}"},"Action":"sts:AssumeRole"}`;
const TAGGED = `{"Effect":"Allow","Principal":{"AWS":"${SERVER}"},"Action":["sts:AssumeRole","sts:TagSession"]}`;
const NAMED = `{"Effect":"Allow","Principal":{"AWS":"${SERVER}"},"Action":["sts:AssumeRole","sts:SetSourceIdentity"]}`;
const OWN = `{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"${ROLE}"}`;

interface DenialCase {
  readonly when: string;
  readonly message: string;
  readonly request?: { readonly roleArn?: string; readonly externalId?: string };
  /** The explanation contains all of these. */
  readonly contains: readonly string[];
  /** It contains none of these. */
  readonly omits?: readonly string[];
}

const CASES: readonly DenialCase[] = [
  {
    when: "STS names no policy",
    message: denied(`sts:AssumeRole on resource: ${ROLE}`),
    contains: [
      "STS does not say why: role orders does not exist; or its trust policy has no statement for",
      TRUSTED,
      "; or that policy has a condition on sts:ExternalId, and the pod has no annotation iam.amazonaws.com/external-id;",
      "; or the server's own policy does not allow sts:AssumeRole on the role",
    ],
    omits: ["must allow"],
  },
  {
    when: "STS names no policy and an external id was sent",
    message: denied(`sts:AssumeRole on resource: ${ROLE}`),
    request: { externalId: "half-a-secret" },
    contains: [TRUSTED, "condition on sts:ExternalId, and it is not the external id of this pod;"],
    omits: ["half-a-secret"],
  },
  {
    when: "the server is an IAM user",
    message: `User: arn:aws:iam::123456789012:user/podrole is not authorized to perform: sts:AssumeRole on resource: ${ROLE}`,
    contains: ['"Principal":{"AWS":"arn:aws:iam::123456789012:user/podrole"}'],
  },
  {
    when: "the role is in another partition",
    message: denied("sts:AssumeRole on resource: arn:aws-cn:iam::123456789012:role/orders"),
    request: { roleArn: "arn:aws-cn:iam::123456789012:role/orders" },
    contains: ["the server is in partition aws and the role in aws-cn"],
    omits: ["trust policy"],
  },
  {
    when: "session tags are not allowed",
    message: denied(`sts:TagSession on resource: ${ROLE}`),
    contains: ["session tags are on", TAGGED, "server's own policy must allow sts:TagSession"],
    omits: ["does not exist"],
  },
  {
    when: "the source identity is not allowed",
    message: denied(`sts:SetSourceIdentity on resource: ${ROLE}`),
    contains: ["source identity is on", NAMED],
    omits: ["does not exist"],
  },
  {
    when: "the server's own policy is missing",
    message: denied(
      `sts:AssumeRole on resource: ${ROLE} because no identity-based policy allows the sts:AssumeRole action`,
    ),
    contains: [`${SERVER} itself lacks sts:AssumeRole in its own policies`, OWN],
    omits: ["trust policy", "does not exist"],
  },
  {
    when: "the server's own policy lacks tags",
    message: denied(
      `sts:TagSession on resource: ${ROLE} because no identity-based policy allows the sts:TagSession action`,
    ),
    contains: ["itself lacks sts:TagSession", '"Action":"sts:TagSession"'],
    omits: ["trust policy"],
  },
  {
    when: "the trust policy is missing, with no resource named",
    message: denied("sts:AssumeRole because no role trust policy allows the sts:AssumeRole action"),
    contains: ["the trust policy of orders must allow sts:AssumeRole", TRUSTED],
    omits: ["does not exist", "itself lacks"],
  },
  {
    when: "the trust policy denies",
    message: denied("sts:AssumeRole with an explicit deny in the role trust policy"),
    contains: ["the trust policy of orders has a Deny that matches"],
    omits: ["must allow"],
  },
  {
    when: "the server's own policy denies",
    message: denied(`sts:AssumeRole on resource: ${ROLE} with an explicit deny in an identity-based policy`),
    contains: [`a policy of ${SERVER} has a Deny that matches`],
    omits: ["trust policy"],
  },
  {
    when: "an organization denies",
    message: denied(`sts:AssumeRole on resource: ${ROLE} with an explicit deny in a service control policy`),
    contains: ["a Deny matches, in a service control policy of the organization"],
    omits: ["trust policy"],
  },
  {
    when: "an organization does not allow",
    message: denied(
      `sts:AssumeRole on resource: ${ROLE} because no service control policy allows the sts:AssumeRole action`,
    ),
    contains: ["nothing allows it, in a service control policy"],
    omits: ["trust policy"],
  },
  {
    when: "a permissions boundary does not allow",
    message: denied(
      `sts:AssumeRole on resource: ${ROLE} because no permissions boundary allows the sts:AssumeRole action`,
    ),
    contains: [`in the permissions boundary of ${SERVER}`],
    omits: ["trust policy"],
  },
  {
    when: "a VPC endpoint does not allow",
    message: denied(
      `sts:AssumeRole on resource: ${ROLE} because no VPC endpoint policy allows the sts:AssumeRole action`,
    ),
    contains: ["in the policy of the VPC endpoint through which the server reaches STS"],
    omits: ["trust policy"],
  },
  {
    when: "the server was assumed with a session policy",
    message: denied(`sts:AssumeRole on resource: ${ROLE} because no session policy allows the sts:AssumeRole action`),
    contains: ["the session policy with which"],
    omits: ["trust policy"],
  },
  {
    when: "the server has a root user's keys",
    message: "Roles may not be assumed by root accounts.",
    contains: ["root user", "give it a role or an IAM user"],
    omits: ["trust policy"],
  },
];

for (const { when, message, request, contains, omits = [] } of CASES) {
  test(`describeDenial() names what is missing when ${when}`, () => {
    const text = describeDenial(message, { roleArn: ROLE, ...request });
    for (const part of contains) assert.ok(text.includes(part), `${part}\nis not in ${text}`);
    for (const part of omits) assert.ok(!text.includes(part), `${part}\nis in ${text}`);
    for (const json of text.match(/\{.*?\}(?=[);])/g) ?? []) assert.equal(JSON.parse(json).Effect, "Allow");
    assert.ok(text.length < 900, `an Event holds 1024 characters, this has ${text.length}`);
    assert.ok(!(text.includes(SESSION) && text.includes(SERVER)), `two principals are in ${text}`);
  });
}

test("describeDenial() returns an unknown message as it is", () => {
  assert.equal(describeDenial("Access denied", { roleArn: ROLE }), "Access denied");
});

test("describeDenial() keeps what STS says, without the names that the request and the explanation have", () => {
  const reason = "because no role trust policy allows the sts:AssumeRole action";
  const text = describeDenial(denied(`sts:AssumeRole on resource: ${ROLE} ${reason}`), { roleArn: ROLE });
  assert.ok(
    text.startsWith(`podrole's server is not authorized to perform: sts:AssumeRole ${reason} (the trust`),
    text,
  );
  const other = describeDenial(denied(`sts:AssumeRole on resource: ${ROLE}2`), { roleArn: ROLE });
  assert.ok(other.startsWith(`podrole's server is not authorized to perform: sts:AssumeRole on resource: ${ROLE}2 (`));
});

test("describeDenial() names the session where the explanation has no principal", () => {
  const text = describeDenial(denied("sts:AssumeRole with an explicit deny in the role trust policy"), {
    roleArn: ROLE,
  });
  assert.ok(text.startsWith(`User: ${SESSION} is not authorized to perform: sts:AssumeRole with`), text);
});
