import assert from "node:assert/strict";
import { test } from "node:test";
import { decideRoles, type PodFacts, type PolicySettings } from "../../src/policy/decide.ts";
import { podFacts } from "../../src/policy/facts.ts";
import { refuse } from "../../src/protocol/errors.ts";
import {
  ALLOWED_ROLES_ANNOTATION,
  BASE_ARN,
  inherited,
  PERMITTED_ANNOTATION,
  podFactsWith,
  policySettingsWith,
  ROLE_ANNOTATION,
} from "./facts.ts";

const DEFAULT = "iam.amazonaws.com/default-role";
const CONTAINERS = "podrole.io/containers";
const ANY = { [PERMITTED_ANNOTATION]: ".*" };

interface Case {
  readonly what: string;
  readonly pod: PodFacts;
  readonly namespace?: Record<string, string>;
  readonly serviceAccount?: Record<string, string>;
  readonly settings?: Partial<PolicySettings>;
  /** container → short role name and origin, or the code of its refusal. */
  readonly roles: Readonly<Record<string, string>>;
}

const two = { containers: ["init", "app"] };

const CASES: readonly Case[] = [
  { what: "returns no role when nothing names one", pod: podFactsWith(), roles: {} },
  {
    what: "gives every container the pod's role when no container has its own",
    pod: podFactsWith({ [ROLE_ANNOTATION]: "x" }, two),
    roles: { init: "x pod", app: "x pod" },
  },
  {
    what: "gives a container its own role when the pod names one too",
    pod: podFactsWith({ [ROLE_ANNOTATION]: "x", [`${ROLE_ANNOTATION}.app`]: "y" }, two),
    roles: { init: "x pod", app: "y container" },
  },
  {
    what: "omits a container when nothing names a role for it",
    pod: podFactsWith({ [`${ROLE_ANNOTATION}.app`]: "y" }, two),
    roles: { app: "y container" },
  },
  {
    what: "omits a container when podrole.io/containers does not list it",
    pod: podFactsWith({ [ROLE_ANNOTATION]: "x", [CONTAINERS]: " app, " }, two),
    roles: { app: "x pod" },
  },
  {
    what: "omits every container when podrole.io/containers is empty",
    pod: podFactsWith({ [ROLE_ANNOTATION]: "x", [CONTAINERS]: "" }),
    roles: {},
  },
  {
    what: "uses the ServiceAccount's role when the pod names none",
    pod: podFactsWith(),
    serviceAccount: { [ROLE_ANNOTATION]: "sa" },
    roles: { app: "sa serviceAccount" },
  },
  {
    what: "uses the pod's role when the ServiceAccount names one too",
    pod: podFactsWith({ [ROLE_ANNOTATION]: "x" }),
    serviceAccount: { [ROLE_ANNOTATION]: "sa" },
    roles: { app: "x pod" },
  },
  {
    what: "uses the namespace's default role when pod and ServiceAccount name none",
    pod: podFactsWith(),
    namespace: { ...ANY, [DEFAULT]: "ns" },
    roles: { app: "ns namespace" },
  },
  {
    what: "uses the ServiceAccount's role when the namespace has a default role too",
    pod: podFactsWith(),
    namespace: { ...ANY, [DEFAULT]: "ns" },
    serviceAccount: { [ROLE_ANNOTATION]: "sa" },
    roles: { app: "sa serviceAccount" },
  },
  {
    what: "uses --default-role when no annotation names a role",
    pod: podFactsWith(),
    settings: { defaultRole: "d" },
    roles: { app: "d default" },
  },
  {
    what: "uses the namespace's default role when --default-role is set too",
    pod: podFactsWith(),
    namespace: { ...ANY, [DEFAULT]: "ns" },
    settings: { defaultRole: "d" },
    roles: { app: "ns namespace" },
  },
  {
    what: "returns ROLE_INVALID when an annotation is empty or broken, even if there is a default role",
    pod: podFactsWith({ [ROLE_ANNOTATION]: "", [`${ROLE_ANNOTATION}.app`]: "arn:foo" }, two),
    settings: { defaultRole: "d" },
    roles: { init: "ROLE_INVALID", app: "ROLE_INVALID" },
  },
  {
    what: "returns ROLE_INVALID when the container's annotation is empty, even if the pod names a role",
    pod: podFactsWith({ [ROLE_ANNOTATION]: "x", [`${ROLE_ANNOTATION}.app`]: "" }, two),
    roles: { init: "x pod", app: "ROLE_INVALID" },
  },
  {
    what: "permits one container's role and forbids another's when the namespace permits only the first",
    pod: podFactsWith({ [`${ROLE_ANNOTATION}.init`]: "a", [`${ROLE_ANNOTATION}.app`]: "b" }, two),
    namespace: { [PERMITTED_ANNOTATION]: ".*/a" },
    roles: { init: "a container", app: "ROLE_FORBIDDEN" },
  },
  {
    what: "returns ROLE_FORBIDDEN when the namespace does not permit its own default role",
    pod: podFactsWith(),
    namespace: { [DEFAULT]: "ns" },
    roles: { app: "ROLE_FORBIDDEN" },
  },
  {
    what: "returns ROLE_FORBIDDEN when the namespace does not permit --default-role",
    pod: podFactsWith(),
    namespace: {},
    settings: { defaultRole: "d" },
    roles: { app: "ROLE_FORBIDDEN" },
  },
  {
    what: "returns ROLE_FORBIDDEN when the namespace does not permit the ServiceAccount's role",
    pod: podFactsWith(),
    namespace: {},
    serviceAccount: { [ROLE_ANNOTATION]: "sa" },
    roles: { app: "ROLE_FORBIDDEN" },
  },
  {
    what: "returns ROLE_FORBIDDEN when the namespace has neither annotation",
    pod: podFactsWith({ [ROLE_ANNOTATION]: "x" }),
    namespace: {},
    roles: { app: "ROLE_FORBIDDEN" },
  },
  {
    what: "returns ROLE_FORBIDDEN when permitted is empty",
    pod: podFactsWith({ [ROLE_ANNOTATION]: "x" }),
    namespace: { [PERMITTED_ANNOTATION]: "" },
    roles: { app: "ROLE_FORBIDDEN" },
  },
  {
    what: "permits a role when allowed-roles is the only annotation and lists it",
    pod: podFactsWith({ [ROLE_ANNOTATION]: "x" }),
    namespace: { [ALLOWED_ROLES_ANNOTATION]: '["x"]' },
    roles: { app: "x pod" },
  },
  {
    what: "returns ROLE_FORBIDDEN when allowed-roles is the only annotation and does not list the role",
    pod: podFactsWith({ [ROLE_ANNOTATION]: "x" }),
    namespace: { [ALLOWED_ROLES_ANNOTATION]: '["y"]' },
    roles: { app: "ROLE_FORBIDDEN" },
  },
  {
    what: "permits a role when permitted and allowed-roles allow it",
    pod: podFactsWith({ [ROLE_ANNOTATION]: "x" }),
    namespace: { ...ANY, [ALLOWED_ROLES_ANNOTATION]: '["x"]' },
    roles: { app: "x pod" },
  },
  {
    what: "returns ROLE_FORBIDDEN when permitted allows the role and allowed-roles does not",
    pod: podFactsWith({ [ROLE_ANNOTATION]: "x" }),
    namespace: { ...ANY, [ALLOWED_ROLES_ANNOTATION]: "[]" },
    roles: { app: "ROLE_FORBIDDEN" },
  },
  {
    what: "returns ROLE_FORBIDDEN when allowed-roles allows the role and permitted does not",
    pod: podFactsWith({ [ROLE_ANNOTATION]: "x" }),
    namespace: { [PERMITTED_ANNOTATION]: ".*/y", [ALLOWED_ROLES_ANNOTATION]: '["x"]' },
    roles: { app: "ROLE_FORBIDDEN" },
  },
  {
    what: "returns ROLE_FORBIDDEN when permitted is empty, even if allowed-roles allows the role",
    pod: podFactsWith({ [ROLE_ANNOTATION]: "x" }),
    namespace: { [PERMITTED_ANNOTATION]: "", [ALLOWED_ROLES_ANNOTATION]: '["x"]' },
    roles: { app: "ROLE_FORBIDDEN" },
  },
  {
    what: "returns PERMITTED_INVALID when permitted cannot be parsed",
    pod: podFactsWith({ [ROLE_ANNOTATION]: "x" }),
    namespace: { [PERMITTED_ANNOTATION]: "(" },
    roles: { app: "PERMITTED_INVALID" },
  },
  {
    what: "returns PERMITTED_INVALID when allowed-roles cannot be parsed, even if permitted allows the role",
    pod: podFactsWith({ [ROLE_ANNOTATION]: "x" }),
    namespace: { ...ANY, [ALLOWED_ROLES_ANNOTATION]: "x" },
    roles: { app: "PERMITTED_INVALID" },
  },
  {
    what: "returns ROLE_FORBIDDEN when one annotation denies the role and the other cannot be parsed",
    pod: podFactsWith({ [ROLE_ANNOTATION]: "x" }),
    namespace: { [PERMITTED_ANNOTATION]: "(", [ALLOWED_ROLES_ANNOTATION]: '["y"]' },
    roles: { app: "ROLE_FORBIDDEN" },
  },
  {
    what: "returns ROLE_FORBIDDEN for a role of another account when the expression does not match it",
    pod: podFactsWith({ [ROLE_ANNOTATION]: "arn:aws:iam::999999999999:role/x" }),
    namespace: { [PERMITTED_ANNOTATION]: `${BASE_ARN}.*` },
    roles: { app: "ROLE_FORBIDDEN" },
  },
  {
    what: "returns ROLE_FORBIDDEN when only the pod has the annotation permitted",
    pod: podFactsWith({ [ROLE_ANNOTATION]: "x", [PERMITTED_ANNOTATION]: ".*" }),
    namespace: {},
    roles: { app: "ROLE_FORBIDDEN" },
  },
];

for (const { what, roles, namespace = ANY, ...given } of CASES) {
  test(`decideRoles() ${what}`, () => {
    const decided = decideRoles(
      given.pod,
      inherited(namespace, given.serviceAccount),
      policySettingsWith(given.settings),
    );
    assert.equal(decided.refusal, undefined);
    const short = decided.roles.map((one) => [
      one.container,
      one.refusal?.code ?? `${one.role?.arn.slice(BASE_ARN.length)} ${one.origin}`,
    ]);
    assert.deepEqual(Object.fromEntries(short), roles);
  });
}

const STRANGERS: readonly (readonly [what: string, annotations: Record<string, string>, message: RegExp])[] = [
  [
    "a role for a container that is not there",
    { [`${ROLE_ANNOTATION}.web`]: "x" },
    /role\.web": the pod has no container "web"; expected one of "init", "app"/,
  ],
  ["a role for no name", { [`${ROLE_ANNOTATION}.`]: "x" }, /no container ""/],
  [
    "a role for podrole's own container",
    { [`${ROLE_ANNOTATION}.podrole-sidecar`]: "x" },
    /no container "podrole-sidecar"/,
  ],
  ["a role for Object's constructor", { [`${ROLE_ANNOTATION}.constructor`]: "x" }, /no container "constructor"/],
  [
    "a list with a container that is not there",
    { [ROLE_ANNOTATION]: "x", [CONTAINERS]: "app,web" },
    /containers "app,web": the pod has no container "web"/,
  ],
  [
    "a role for a container that the list leaves out",
    { [CONTAINERS]: "app", [`${ROLE_ANNOTATION}.init`]: "x" },
    /leaves container "init" out; expected one of "app"/,
  ],
  [
    "a role for a container when the list is empty",
    { [CONTAINERS]: "", [`${ROLE_ANNOTATION}.app`]: "x" },
    /leaves container "app" out; expected no container/,
  ],
];

for (const [what, annotations, message] of STRANGERS) {
  test(`decideRoles() refuses the pod over ${what} with CONTAINER_UNKNOWN`, () => {
    const { roles, refusal } = decideRoles(podFactsWith(annotations, two), inherited(ANY), policySettingsWith());
    assert.deepEqual(roles, []);
    assert.equal(refusal?.code, "CONTAINER_UNKNOWN");
    assert.match(refusal?.message ?? "", message);
  });
}

test("decideRoles() names pod, container, role and reason in ROLE_FORBIDDEN", () => {
  const facts = podFactsWith({ [ROLE_ANNOTATION]: "x" }, { namespace: "ns", name: "name" });
  const [no] = decideRoles(facts, inherited({ [PERMITTED_ANNOTATION]: ".*team-a.*" }), policySettingsWith()).roles;
  assert.deepEqual(no, {
    container: "app",
    asked: "x",
    origin: "pod",
    outcome: "refused",
    role: { arn: `${BASE_ARN}x`, partition: "aws", accountId: "123456789012", path: "/", name: "x" },
    refusal: refuse(
      "ROLE_FORBIDDEN",
      'Cannot give role arn:aws:iam::123456789012:role/x to pod "ns/name" container "app": namespace "ns" permits ".*team-a.*" (iam.amazonaws.com/permitted), which does not match',
    ),
  });
});

test("decideRoles() names the place of a role that cannot be resolved", () => {
  const message = (...args: Parameters<typeof decideRoles>) => {
    const [no] = decideRoles(...args).roles;
    return no?.refusal?.message ?? "";
  };
  assert.match(
    message(podFactsWith({ [`${ROLE_ANNOTATION}.app`]: "*" }), inherited(ANY), policySettingsWith()),
    /iam\.amazonaws\.com\/role\.app "\*"/,
  );
  assert.match(
    message(podFactsWith(), inherited(ANY, { [ROLE_ANNOTATION]: "*" }), policySettingsWith()),
    /the ServiceAccount's iam\.amazonaws\.com\/role "\*"/,
  );
  assert.match(
    message(podFactsWith(), inherited({ ...ANY, [DEFAULT]: "*" }), policySettingsWith()),
    /the namespace's iam\.amazonaws\.com\/default-role/,
  );
  assert.match(
    message(podFactsWith(), inherited(ANY), policySettingsWith({ defaultRole: "*" })),
    /--default-role "\*"/,
  );
});

test("decideRoles() decides the same before the pod has a name", () => {
  const facts = podFactsWith({ [ROLE_ANNOTATION]: "x" });
  const unnamed = { ...facts, name: undefined, uid: undefined };
  assert.deepEqual(
    decideRoles(unnamed, inherited(ANY), policySettingsWith()),
    decideRoles(facts, inherited(ANY), policySettingsWith()),
  );
});

test("podFacts() omits podrole's containers and preserves the order", () => {
  const facts = podFacts(
    {
      metadata: { name: "p", uid: "u" },
      spec: {
        initContainers: [{ name: "podrole-init" }, { name: "podrole-sidecar" }, { name: "migrate" }],
        containers: [{ name: "app" }],
      },
    },
    "ns",
  );
  assert.deepEqual(facts, {
    namespace: "ns",
    name: "p",
    uid: "u",
    serviceAccount: "default",
    annotations: {},
    labels: {},
    containers: ["migrate", "app"],
  });
});
