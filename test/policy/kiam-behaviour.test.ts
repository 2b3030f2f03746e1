// kiam's documented or tested behaviour, on which its users rely, and podrole's behaviour for the same input.
// "same" is a promise to users who migrate; "differs" names a defect of kiam that podrole does not have.
// Sources are files of github.com/uswitch/kiam at v4.2.
import assert from "node:assert/strict";
import { test } from "node:test";
import { assumeRoleInput, decideRoles, type PolicySettings } from "../../src/policy/decide.ts";
import { isRefusal } from "../../src/protocol/errors.ts";
import {
  BASE_ARN,
  inherited,
  PERMITTED_ANNOTATION,
  parsedRole,
  podFactsWith,
  policySettingsWith,
  ROLE_ANNOTATION,
} from "./facts.ts";

/** The ARN that the pod gets, or the code of the refusal. */
function outcome(annotation: string, permitted: string | undefined, overrides: Partial<PolicySettings> = {}): string {
  const namespace = permitted === undefined ? {} : { [PERMITTED_ANNOTATION]: permitted };
  const [decision] = decideRoles(
    podFactsWith({ [ROLE_ANNOTATION]: annotation }),
    inherited(namespace),
    policySettingsWith(overrides),
  ).roles;
  assert.ok(decision);
  return decision.outcome === "allowed" ? decision.role.arn : decision.refusal.code;
}

interface RoleCase {
  readonly behaviour: string;
  readonly source: string;
  readonly kiam: string;
  readonly annotation: string;
  readonly permitted?: string;
  readonly settings?: Partial<PolicySettings>;
  /** podrole's behaviour: "same" if it equals kiam's, with the named flag where one is needed. */
  readonly podrole: "same" | `same with ${string}` | `differs: ${string}`;
  readonly outcome: string;
}

const VAGUE = { strictNamespaceRegexp: false };

const ROLES: readonly RoleCase[] = [
  {
    behaviour: "kiam appends a role name to the base ARN",
    source: "pkg/aws/sts/arn_resolver.go",
    kiam: `${BASE_ARN}myrole`,
    annotation: "myrole",
    permitted: ".*",
    podrole: "same",
    outcome: `${BASE_ARN}myrole`,
  },
  {
    behaviour: "kiam appends a path and role name to the base ARN",
    source: "pkg/aws/sts/arn_resolver.go",
    kiam: `${BASE_ARN}kiam/myrole`,
    annotation: "kiam/myrole",
    permitted: ".*",
    podrole: "same",
    outcome: `${BASE_ARN}kiam/myrole`,
  },
  {
    behaviour: "kiam drops one leading slash from a role name",
    source: "pkg/aws/sts/arn_resolver.go",
    kiam: `${BASE_ARN}kiam/myrole`,
    annotation: "/kiam/myrole",
    permitted: ".*",
    podrole: "same",
    outcome: `${BASE_ARN}kiam/myrole`,
  },
  {
    behaviour: "kiam uses a full role ARN unchanged, whatever its account",
    source: "pkg/aws/sts/arn_resolver.go",
    kiam: "arn:aws:iam::999999999999:role/x",
    annotation: "arn:aws:iam::999999999999:role/x",
    permitted: ".*",
    podrole: "same",
    outcome: "arn:aws:iam::999999999999:role/x",
  },
  {
    behaviour: "kiam appends the role name directly to a base ARN that has a path",
    source: "pkg/aws/sts/arn_resolver.go",
    kiam: "arn:aws:iam::123456789012:role/base/x",
    annotation: "x",
    permitted: ".*",
    settings: { baseArn: `${BASE_ARN}base/` },
    podrole: "same",
    outcome: `${BASE_ARN}base/x`,
  },
  {
    behaviour: "kiam retries an empty role for 5 s and then returns an error",
    source: "pkg/aws/sts/arn_resolver.go",
    kiam: "error, retried by the agent for 5 s",
    annotation: "",
    permitted: ".*",
    podrole: "differs: podrole refuses it immediately with ROLE_INVALID",
    outcome: "ROLE_INVALID",
  },
  {
    behaviour: "every kiam server crashes while a pod exists whose role is an ARN with too few parts",
    source: "pkg/aws/sts/arn_resolver.go",
    kiam: "index out of range: every server crashes while the pod exists",
    annotation: "arn:foo",
    permitted: ".*",
    podrole: "differs: podrole refuses that pod with ROLE_INVALID",
    outcome: "ROLE_INVALID",
  },
  {
    behaviour: "a namespace without the annotation permits no role",
    source: "pkg/server/policy.go",
    kiam: "forbidden",
    annotation: "x",
    podrole: "same",
    outcome: "ROLE_FORBIDDEN",
  },
  {
    behaviour: "a namespace whose annotation is empty permits no role",
    source: "pkg/server/policy.go",
    kiam: "forbidden",
    annotation: "x",
    permitted: "",
    podrole: "same",
    outcome: "ROLE_FORBIDDEN",
  },
  {
    behaviour: "a namespace whose annotation is empty permits no role, even with --disable-strict-namespace-regexp",
    source: "pkg/server/policy_test.go",
    kiam: "forbidden",
    annotation: "x",
    permitted: "",
    settings: VAGUE,
    podrole: "same with --disable-strict-namespace-regexp",
    outcome: "ROLE_FORBIDDEN",
  },
  {
    behaviour:
      "kiam matches the expression against the resolved ARN, so an expression for the role's name permits nothing",
    source: "docs/UPGRADING.md (v4)",
    kiam: "forbidden",
    annotation: "test-role",
    permitted: "^test-role$",
    podrole: "same",
    outcome: "ROLE_FORBIDDEN",
  },
  {
    behaviour: "an expression for the resolved ARN permits the role",
    source: "docs/UPGRADING.md (v4)",
    kiam: "permitted",
    annotation: "test-role",
    permitted: ".*test-role",
    podrole: "same",
    outcome: `${BASE_ARN}test-role`,
  },
  {
    behaviour: "by default, an expression that matches only a part of the ARN does not permit the role",
    source: "pkg/server/policy_test.go TestVagueNamespaceAnnotationRegex",
    kiam: "forbidden",
    annotation: "red_role",
    permitted: "o",
    podrole: "same",
    outcome: "ROLE_FORBIDDEN",
  },
  {
    behaviour:
      "with --disable-strict-namespace-regexp, an expression that matches only a part of the ARN permits the role",
    source: "pkg/server/policy_test.go TestVagueNamespaceAnnotationRegex",
    kiam: "permitted",
    annotation: "red_role",
    permitted: "o",
    settings: VAGUE,
    podrole: "same with --disable-strict-namespace-regexp",
    outcome: `${BASE_ARN}red_role`,
  },
  {
    behaviour: "with --disable-strict-namespace-regexp, kiam forbids a role in which the expression does not occur",
    source: "pkg/server/policy.go",
    kiam: "forbidden",
    annotation: "red_role",
    permitted: "blue",
    settings: VAGUE,
    podrole: "same with --disable-strict-namespace-regexp",
    outcome: "ROLE_FORBIDDEN",
  },
  {
    behaviour: "kiam accepts the RE2 syntax of Go, such as (?i), \\A, (?P<name>…) and [[:alpha:]]",
    source: "Go's regexp/syntax",
    kiam: "permitted",
    annotation: "RED-1",
    permitted: String.raw`(?i)\Aarn:[[:alpha:]]+:iam::\d{12}:role/(?P<team>red)-[0-9]\z`,
    podrole: "same",
    outcome: `${BASE_ARN}RED-1`,
  },
  {
    behaviour: "an expression with alternatives permits a role that one alternative matches",
    source: "pkg/server/policy.go",
    kiam: "permitted",
    annotation: "team-a",
    permitted: ".*team-a|.*team-b",
    podrole: "same",
    outcome: `${BASE_ARN}team-a`,
  },
  {
    behaviour:
      "kiam anchors only the start of the first alternative and the end of the last, so more roles match than intended",
    source: 'pkg/server/policy.go: "^" + expression + "$"',
    kiam: "permitted: ^.*team-a|.*team-b$ is satisfied by the start",
    annotation: "team-a-admin",
    permitted: ".*team-a|.*team-b",
    podrole: "differs: podrole anchors every alternative at both ends",
    outcome: "ROLE_FORBIDDEN",
  },
  {
    behaviour: "kiam retries an invalid expression for 5 s, returns an unspecific error, and records no Event",
    source: "pkg/server/policy.go",
    kiam: "error of unknown kind, retried for 5 s, no Event",
    annotation: "x",
    permitted: "(",
    podrole: "differs: podrole refuses with PERMITTED_INVALID",
    outcome: "PERMITTED_INVALID",
  },
];

for (const { behaviour, source, podrole, ...given } of ROLES) {
  test(`kiam: ${behaviour} (${podrole}) [${source}]`, () => {
    assert.equal(outcome(given.annotation, given.permitted, given.settings), given.outcome);
    if (podrole.startsWith("same"))
      assert.ok(sameAs(given.kiam, given.outcome), `${given.kiam} is not ${given.outcome}`);
  });
}

function sameAs(kiam: string, podrole: string): boolean {
  if (kiam === "forbidden") return podrole === "ROLE_FORBIDDEN";
  return kiam === "permitted" ? podrole.startsWith("arn:") : kiam === podrole;
}

const SESSION_NAME = "iam.amazonaws.com/session-name";
const EXTERNAL_ID = "iam.amazonaws.com/external-id";

interface SessionCase {
  readonly behaviour: string;
  readonly source: string;
  readonly annotations: Record<string, string>;
  readonly session?: string;
  readonly sessionName: string;
  readonly externalId?: string;
}

const SESSIONS: readonly SessionCase[] = [
  {
    behaviour: "kiam's default session name is kiam-kiam",
    source: "cmd/kiam/server.go --session",
    annotations: {},
    sessionName: "kiam-kiam",
  },
  {
    behaviour: "kiam uses the value of --session after the prefix kiam-",
    source: "pkg/aws/sts/cache.go",
    annotations: {},
    session: "prod",
    sessionName: "kiam-prod",
  },
  {
    behaviour: "the pod's annotation for the session name takes precedence over --session",
    source: "pkg/aws/sts/cache.go",
    annotations: { [SESSION_NAME]: "mine" },
    sessionName: "kiam-mine",
  },
  {
    behaviour: "kiam ignores an empty annotation for the session name",
    source: "pkg/aws/sts/cache.go",
    annotations: { [SESSION_NAME]: "" },
    sessionName: "kiam-kiam",
  },
  {
    behaviour: "kiam replaces characters that STS does not accept in a session name by dashes",
    source: "pkg/aws/sts/cache_test.go",
    annotations: { [SESSION_NAME]: "testing@#&-test%" },
    sessionName: "kiam-testing@---test-",
  },
  {
    behaviour: "kiam leaves a session name of 64 bytes unchanged",
    source: "pkg/aws/sts/cache.go",
    annotations: { [SESSION_NAME]: "a".repeat(59) },
    sessionName: `kiam-${"a".repeat(59)}`,
  },
  {
    behaviour: "kiam cuts a session name of more than 64 bytes to 63 bytes",
    source: "pkg/aws/sts/cache.go",
    annotations: { [SESSION_NAME]: "a".repeat(60) },
    sessionName: `kiam-${"a".repeat(58)}`,
  },
  {
    behaviour: "kiam cuts a session name before it replaces characters by dashes",
    source: "pkg/aws/sts/cache.go",
    annotations: { [SESSION_NAME]: `${"a".repeat(57)}€€` },
    sessionName: `kiam-${"a".repeat(57)}-`,
  },
  {
    behaviour: "kiam passes the pod's external ID to STS",
    source: "pkg/aws/sts/gateway.go",
    annotations: { [EXTERNAL_ID]: "ext-1" },
    sessionName: "kiam-kiam",
    externalId: "ext-1",
  },
  {
    behaviour: "kiam does not send an empty external ID to STS",
    source: "pkg/aws/sts/gateway.go",
    annotations: { [EXTERNAL_ID]: "" },
    sessionName: "kiam-kiam",
  },
];

for (const { behaviour, source, annotations, session = "kiam", ...wanted } of SESSIONS) {
  // External IDs do not depend on the session's name.
  const podrole = EXTERNAL_ID in annotations ? "same" : `same with --session ${session}`;
  test(`kiam: ${behaviour} (${podrole}) [${source}]`, () => {
    const input = assumeRoleInput(
      podFactsWith(annotations, { uid: undefined }),
      parsedRole(`${BASE_ARN}x`),
      policySettingsWith({ sessionName: { kind: "kiam", session } }),
    );
    assert.deepEqual(input, { roleArn: `${BASE_ARN}x`, durationSeconds: 3600, ...wanted });
  });
}

test("kiam: pods with the same role and the same annotated session name share a session (differs: if a pod sets its session name, podrole shares that session with no other pod) [pkg/aws/sts/cache.go]", () => {
  const inputOf = (uid: string) =>
    assumeRoleInput(
      podFactsWith({ [SESSION_NAME]: "nightly" }, { uid }),
      parsedRole(`${BASE_ARN}x`),
      policySettingsWith(),
    );
  assert.deepEqual(inputOf("u-1"), inputOf("u-1"));
  assert.notDeepEqual(inputOf("u-1"), inputOf("u-2"));
});

test("kiam: pods with the same role share a session name (differs: by default podrole gives each pod its own session name, so that the audit trail shows the pod) [pkg/aws/sts/cache.go]", () => {
  const nameOf = (name: string, overrides?: Partial<PolicySettings>) => {
    const input = assumeRoleInput(
      podFactsWith({}, { name }),
      parsedRole(`${BASE_ARN}x`),
      policySettingsWith(overrides),
    );
    return isRefusal(input) ? input.code : input.sessionName;
  };
  const kiam = { sessionName: { kind: "kiam", session: "kiam" } } as const;
  assert.equal(nameOf("a", kiam), nameOf("b", kiam));
  assert.notEqual(nameOf("a"), nameOf("b"));
});
