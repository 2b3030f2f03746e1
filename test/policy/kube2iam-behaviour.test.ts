// kube2iam's behaviour, on which its users rely, and podrole's behaviour for the same input. "same" is a promise to users who
// migrate; "differs" names the difference and its reason. Sources are files of github.com/jtblin/kube2iam at 0.15.0.
import assert from "node:assert/strict";
import { test } from "node:test";
import { assumeRoleInput, decideRoles, type PolicySettings } from "../../src/policy/decide.ts";
import { ALLOWED, around, BASE, PERMITTED, pod, ROLE, role, settings } from "./facts.ts";

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
    behaviour: "a glob allows what it matches",
    source: "mappings/mapper.go",
    annotation: "team-a-reader",
    allowed: ["team-a-*"],
    podrole: "same",
    outcome: `${BASE}team-a-reader`,
  },
  {
    behaviour: "a glob forbids what it does not match",
    source: "mappings/mapper.go",
    annotation: "team-b-reader",
    allowed: ["team-a-*"],
    podrole: "same",
    outcome: "ROLE_FORBIDDEN",
  },
  {
    behaviour: "a full ARN with wildcards allows another account's roles",
    source: "mappings/mapper.go",
    annotation: "arn:aws:iam::999999999999:role/team-a",
    allowed: ["arn:aws:iam::999999999999:role/team-*"],
    podrole: "same",
    outcome: "arn:aws:iam::999999999999:role/team-a",
  },
  {
    behaviour: "an empty array allows nothing",
    source: "mappings/mapper.go",
    annotation: "x",
    allowed: [],
    podrole: "same",
    outcome: "ROLE_FORBIDDEN",
  },
  {
    behaviour: "a regular expression allows what it matches",
    source: "mappings/mapper.go --namespace-restriction-format=regexp",
    annotation: "team-a-7",
    allowed: ["team-a-[0-9]+"],
    settings: REGEXP,
    podrole: "same",
    outcome: `${BASE}team-a-7`,
  },
  {
    behaviour: "a regular expression that matches the start allows more",
    source: "mappings/mapper.go: MatchString",
    annotation: "foobar",
    allowed: ["foo"],
    settings: REGEXP,
    podrole: "differs: it describes the whole",
    outcome: "ROLE_FORBIDDEN",
  },
  {
    behaviour: "an anchored regular expression of a full ARN can be written",
    source: "mappings/mapper.go, kube2iam#341",
    annotation: "x",
    allowed: [`^${BASE}x$`],
    settings: REGEXP,
    podrole: "differs: in kube2iam it cannot, the base ARN goes before it",
    outcome: `${BASE}x`,
  },
  {
    behaviour: "a namespace without the annotation allows everything unless --namespace-restrictions is set",
    source: "mappings/mapper.go",
    annotation: "x",
    podrole: "differs: nothing is permitted until a namespace says so",
    outcome: "ROLE_FORBIDDEN",
  },
  {
    behaviour: "a pod that names no role gets the default role",
    source: "mappings/mapper.go --default-role",
    allowed: ["*"],
    settings: { defaultRole: "fallback" },
    podrole: "same",
    outcome: `${BASE}fallback`,
  },
  {
    behaviour: "the default role needs no permission",
    source: "mappings/mapper.go",
    allowed: ["team-*"],
    settings: { defaultRole: "fallback" },
    podrole: "differs: the namespace must permit it as any other",
    outcome: "ROLE_FORBIDDEN",
  },
  {
    behaviour: "a pod that names no role, without a default role, gets an empty response",
    source: "e2e TestUnannotatedPodNoCredentials",
    allowed: ["*"],
    podrole: "differs: it is not injected at all",
    outcome: "none",
  },
  {
    behaviour: "a leading slash is kept: two slashes",
    source: "iam/arn.go",
    annotation: "/team/x",
    allowed: ["*"],
    podrole: "differs: one is dropped, as in kiam",
    outcome: `${BASE}team/x`,
  },
  {
    behaviour: "ARN: in capitals is an ARN",
    source: "iam/arn.go",
    annotation: "ARN:aws:iam::123456789012:role/x",
    allowed: ["*"],
    podrole: "differs: STS takes none, so the pod is refused",
    outcome: "ROLE_INVALID",
  },
];

for (const { behaviour, source, podrole, annotation, allowed, outcome, ...given } of ROLES) {
  test(`kube2iam: ${behaviour} (${podrole}) [${source}]`, () => {
    const annotations = annotation === undefined ? {} : { [ROLE]: annotation };
    const namespace = allowed === undefined ? {} : { [ALLOWED]: JSON.stringify(allowed) };
    const [decision] = decideRoles(pod(annotations), around(namespace), settings(given.settings)).roles;
    const got = decision === undefined ? "none" : decision.allowed ? decision.role.arn : decision.code;
    assert.equal(got, outcome);
  });
}

test("kube2iam: an external id is passed on (same) [iam/iam.go]", () => {
  const input = assumeRoleInput(pod({ "iam.amazonaws.com/external-id": "ext-1" }), role(`${BASE}x`), settings());
  assert.equal("externalId" in input && input.externalId, "ext-1");
});

test("kube2iam: sessions are named by a hash of the pod's address (differs: by namespace and pod, so that CloudTrail tells) [iam/iam.go]", () => {
  const input = assumeRoleInput(pod(), role(`${BASE}x`), settings());
  assert.equal("sessionName" in input && input.sessionName, "shop.web-5d9f8-x2x4z");
});

test("kube2iam: its annotation is read beside kiam's (differs: kube2iam only reads its own; here both must permit) [mappings/mapper.go]", () => {
  const both = (permitted: string) =>
    decideRoles(pod({ [ROLE]: "x" }), around({ [ALLOWED]: '["*"]', [PERMITTED]: permitted }), settings()).roles[0]
      ?.allowed;
  assert.deepEqual([both(".*"), both(".*/y")], [true, false]);
});
