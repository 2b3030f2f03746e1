// kube2iam's behaviour, on which its users rely, and podrole's behaviour for the same input. "same" is a promise to
// users who migrate; "differs" names the difference and its reason. Sources are files of github.com/jtblin/kube2iam at
// 0.15.0.
import assert from "node:assert/strict";
import { test } from "node:test";
import { assumeRoleInput, decideRoles, type PolicySettings } from "../../src/policy/decide.ts";
import {
  ALLOWED_ROLES_ANNOTATION,
  BASE_ARN,
  inherited,
  PERMITTED_ANNOTATION,
  parsedRole,
  podFactsWith,
  policySettingsWith,
  ROLE_ANNOTATION,
} from "./facts.ts";

interface RoleCase {
  readonly behaviour: string;
  readonly source: string;
  /** The pod's annotation; absent: it has none. */
  readonly annotation?: string;
  /** Patterns of the namespace; absent: it has no annotation. */
  readonly allowed?: readonly string[];
  readonly settings?: Partial<PolicySettings>;
  readonly podrole: "same" | `differs: ${string}`;
  /** ARN, code of the refusal, or "none" if no role is named. */
  readonly outcome: string;
}

const REGEXP = { allowedRolesFormat: "regexp" } as const;

const ROLES: readonly RoleCase[] = [
  {
    behaviour: "a glob allows a role that it matches",
    source: "mappings/mapper.go",
    annotation: "team-a-reader",
    allowed: ["team-a-*"],
    podrole: "same",
    outcome: `${BASE_ARN}team-a-reader`,
  },
  {
    behaviour: "a glob does not allow a role that it does not match",
    source: "mappings/mapper.go",
    annotation: "team-b-reader",
    allowed: ["team-a-*"],
    podrole: "same",
    outcome: "ROLE_FORBIDDEN",
  },
  {
    behaviour: "a full ARN with wildcards allows roles of another account",
    source: "mappings/mapper.go",
    annotation: "arn:aws:iam::999999999999:role/team-a",
    allowed: ["arn:aws:iam::999999999999:role/team-*"],
    podrole: "same",
    outcome: "arn:aws:iam::999999999999:role/team-a",
  },
  {
    behaviour: "a namespace whose annotation is an empty array allows no role",
    source: "mappings/mapper.go",
    annotation: "x",
    allowed: [],
    podrole: "same",
    outcome: "ROLE_FORBIDDEN",
  },
  {
    behaviour: "a regular expression allows a role that it matches",
    source: "mappings/mapper.go --namespace-restriction-format=regexp",
    annotation: "team-a-7",
    allowed: ["team-a-[0-9]+"],
    settings: REGEXP,
    podrole: "same",
    outcome: `${BASE_ARN}team-a-7`,
  },
  {
    behaviour: "kube2iam allows every role whose ARN begins with a match of the regular expression",
    source: "mappings/mapper.go: MatchString",
    annotation: "foobar",
    allowed: ["foo"],
    settings: REGEXP,
    podrole: "differs: in podrole the expression must match the whole ARN",
    outcome: "ROLE_FORBIDDEN",
  },
  {
    behaviour:
      "kube2iam cannot match an anchored regular expression for a full ARN, because it puts the base ARN in front of the expression",
    source: "mappings/mapper.go, kube2iam#341",
    annotation: "x",
    allowed: [`^${BASE_ARN}x$`],
    settings: REGEXP,
    podrole: "differs: podrole matches it",
    outcome: `${BASE_ARN}x`,
  },
  {
    behaviour: "without --namespace-restrictions, a namespace without the annotation allows every role",
    source: "mappings/mapper.go",
    annotation: "x",
    podrole: "differs: in podrole a namespace without an annotation permits no role",
    outcome: "ROLE_FORBIDDEN",
  },
  {
    behaviour: "kube2iam gives the default role to a pod that names no role",
    source: "mappings/mapper.go --default-role",
    allowed: ["*"],
    settings: { defaultRole: "fallback" },
    podrole: "same",
    outcome: `${BASE_ARN}fallback`,
  },
  {
    behaviour: "kube2iam gives the default role even if the namespace does not allow it",
    source: "mappings/mapper.go",
    allowed: ["team-*"],
    settings: { defaultRole: "fallback" },
    podrole: "differs: in podrole the namespace must permit the default role too",
    outcome: "ROLE_FORBIDDEN",
  },
  {
    behaviour: "if there is no default role, kube2iam sends an empty response to a pod that names no role",
    source: "e2e TestUnannotatedPodNoCredentials",
    allowed: ["*"],
    podrole: "differs: podrole does not inject such a pod",
    outcome: "none",
  },
  {
    behaviour: "kube2iam keeps a leading slash of the role, so the ARN contains two slashes",
    source: "iam/arn.go",
    annotation: "/team/x",
    allowed: ["*"],
    podrole: "differs: podrole drops one slash, as kiam does",
    outcome: `${BASE_ARN}team/x`,
  },
  {
    behaviour: "kube2iam accepts a role ARN that begins with ARN: in capital letters",
    source: "iam/arn.go",
    annotation: "ARN:aws:iam::123456789012:role/x",
    allowed: ["*"],
    podrole: "differs: podrole refuses the pod with ROLE_INVALID, because STS does not accept such an ARN",
    outcome: "ROLE_INVALID",
  },
];

for (const { behaviour, source, podrole, annotation, allowed, outcome, ...given } of ROLES) {
  test(`kube2iam: ${behaviour} (${podrole}) [${source}]`, () => {
    const annotations = annotation === undefined ? {} : { [ROLE_ANNOTATION]: annotation };
    const namespace = allowed === undefined ? {} : { [ALLOWED_ROLES_ANNOTATION]: JSON.stringify(allowed) };
    const [decision] = decideRoles(
      podFactsWith(annotations),
      inherited(namespace),
      policySettingsWith(given.settings),
    ).roles;
    const got = decision === undefined ? "none" : (decision.refusal?.code ?? decision.role?.arn);
    assert.equal(got, outcome);
  });
}

test("kube2iam: kube2iam passes the pod's external ID to STS (same) [iam/iam.go]", () => {
  const input = assumeRoleInput(
    podFactsWith({ "iam.amazonaws.com/external-id": "ext-1" }),
    parsedRole(`${BASE_ARN}x`),
    policySettingsWith(),
  );
  assert.equal("externalId" in input && input.externalId, "ext-1");
});

test("kube2iam: kube2iam names a session by a hash of the pod's IP address (differs: podrole names it by namespace and pod, so that CloudTrail shows the pod) [iam/iam.go]", () => {
  const input = assumeRoleInput(podFactsWith(), parsedRole(`${BASE_ARN}x`), policySettingsWith());
  assert.equal("sessionName" in input && input.sessionName, "shop.web-5d9f8-x2x4z");
});

test("kube2iam: kube2iam reads only its own namespace annotation, not kiam's (differs: podrole reads both annotations, and both must permit the role) [mappings/mapper.go]", () => {
  const both = (permitted: string) =>
    decideRoles(
      podFactsWith({ [ROLE_ANNOTATION]: "x" }),
      inherited({ [ALLOWED_ROLES_ANNOTATION]: '["*"]', [PERMITTED_ANNOTATION]: permitted }),
      policySettingsWith(),
    ).roles[0]?.outcome;
  assert.deepEqual([both(".*"), both(".*/y")], ["allowed", "refused"]);
});
