import assert from "node:assert/strict";
import { test } from "node:test";
import { decideRoles, type PodFacts, type PolicySettings } from "../../src/policy/decide.ts";
import { podFacts } from "../../src/policy/facts.ts";
import { refuse } from "../../src/protocol/errors.ts";
import { ALLOWED, BASE, inherited, PERMITTED, pod, ROLE, settings } from "./facts.ts";

const DEFAULT = "iam.amazonaws.com/default-role";
const CONTAINERS = "podrole.io/containers";
const ANY = { [PERMITTED]: ".*" };

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
  { what: "returns no role when nothing names one", pod: pod(), roles: {} },
  {
    what: "gives every container the pod's role when no container has its own",
    pod: pod({ [ROLE]: "x" }, two),
    roles: { init: "x pod", app: "x pod" },
  },
  {
    what: "gives a container its own role when the pod names one too",
    pod: pod({ [ROLE]: "x", [`${ROLE}.app`]: "y" }, two),
    roles: { init: "x pod", app: "y container" },
  },
  {
    what: "omits a container when nothing names a role for it",
    pod: pod({ [`${ROLE}.app`]: "y" }, two),
    roles: { app: "y container" },
  },
  {
    what: "omits a container when podrole.io/containers does not list it",
    pod: pod({ [ROLE]: "x", [CONTAINERS]: " app, " }, two),
    roles: { app: "x pod" },
  },
  {
    what: "omits every container when podrole.io/containers is empty",
    pod: pod({ [ROLE]: "x", [CONTAINERS]: "" }),
    roles: {},
  },
  {
    what: "uses the ServiceAccount's role when the pod names none",
    pod: pod(),
    serviceAccount: { [ROLE]: "sa" },
    roles: { app: "sa serviceAccount" },
  },
  {
    what: "uses the pod's role when the ServiceAccount names one too",
    pod: pod({ [ROLE]: "x" }),
    serviceAccount: { [ROLE]: "sa" },
    roles: { app: "x pod" },
  },
  {
    what: "uses the namespace's default role when pod and ServiceAccount name none",
    pod: pod(),
    namespace: { ...ANY, [DEFAULT]: "ns" },
    roles: { app: "ns namespace" },
  },
  {
    what: "uses the ServiceAccount's role when the namespace has a default role too",
    pod: pod(),
    namespace: { ...ANY, [DEFAULT]: "ns" },
    serviceAccount: { [ROLE]: "sa" },
    roles: { app: "sa serviceAccount" },
  },
  {
    what: "uses --default-role when no annotation names a role",
    pod: pod(),
    settings: { defaultRole: "d" },
    roles: { app: "d default" },
  },
  {
    what: "uses the namespace's default role when --default-role is set too",
    pod: pod(),
    namespace: { ...ANY, [DEFAULT]: "ns" },
    settings: { defaultRole: "d" },
    roles: { app: "ns namespace" },
  },
  {
    what: "returns ROLE_INVALID when an annotation is empty or broken, even if there is a default role",
    pod: pod({ [ROLE]: "", [`${ROLE}.app`]: "arn:foo" }, two),
    settings: { defaultRole: "d" },
    roles: { init: "ROLE_INVALID", app: "ROLE_INVALID" },
  },
  {
    what: "returns ROLE_INVALID when the container's annotation is empty, even if the pod names a role",
    pod: pod({ [ROLE]: "x", [`${ROLE}.app`]: "" }, two),
    roles: { init: "x pod", app: "ROLE_INVALID" },
  },
  {
    what: "permits one container's role and forbids another's when the namespace permits only the first",
    pod: pod({ [`${ROLE}.init`]: "a", [`${ROLE}.app`]: "b" }, two),
    namespace: { [PERMITTED]: ".*/a" },
    roles: { init: "a container", app: "ROLE_FORBIDDEN" },
  },
  {
    what: "returns ROLE_FORBIDDEN when the namespace does not permit its own default role",
    pod: pod(),
    namespace: { [DEFAULT]: "ns" },
    roles: { app: "ROLE_FORBIDDEN" },
  },
  {
    what: "returns ROLE_FORBIDDEN when the namespace does not permit --default-role",
    pod: pod(),
    namespace: {},
    settings: { defaultRole: "d" },
    roles: { app: "ROLE_FORBIDDEN" },
  },
  {
    what: "returns ROLE_FORBIDDEN when the namespace does not permit the ServiceAccount's role",
    pod: pod(),
    namespace: {},
    serviceAccount: { [ROLE]: "sa" },
    roles: { app: "ROLE_FORBIDDEN" },
  },
  {
    what: "returns ROLE_FORBIDDEN when the namespace has neither annotation",
    pod: pod({ [ROLE]: "x" }),
    namespace: {},
    roles: { app: "ROLE_FORBIDDEN" },
  },
  {
    what: "returns ROLE_FORBIDDEN when permitted is empty",
    pod: pod({ [ROLE]: "x" }),
    namespace: { [PERMITTED]: "" },
    roles: { app: "ROLE_FORBIDDEN" },
  },
  {
    what: "permits a role when allowed-roles is the only annotation and lists it",
    pod: pod({ [ROLE]: "x" }),
    namespace: { [ALLOWED]: '["x"]' },
    roles: { app: "x pod" },
  },
  {
    what: "returns ROLE_FORBIDDEN when allowed-roles is the only annotation and does not list the role",
    pod: pod({ [ROLE]: "x" }),
    namespace: { [ALLOWED]: '["y"]' },
    roles: { app: "ROLE_FORBIDDEN" },
  },
  {
    what: "permits a role when permitted and allowed-roles allow it",
    pod: pod({ [ROLE]: "x" }),
    namespace: { ...ANY, [ALLOWED]: '["x"]' },
    roles: { app: "x pod" },
  },
  {
    what: "returns ROLE_FORBIDDEN when permitted allows the role and allowed-roles does not",
    pod: pod({ [ROLE]: "x" }),
    namespace: { ...ANY, [ALLOWED]: "[]" },
    roles: { app: "ROLE_FORBIDDEN" },
  },
  {
    what: "returns ROLE_FORBIDDEN when allowed-roles allows the role and permitted does not",
    pod: pod({ [ROLE]: "x" }),
    namespace: { [PERMITTED]: ".*/y", [ALLOWED]: '["x"]' },
    roles: { app: "ROLE_FORBIDDEN" },
  },
  {
    what: "returns ROLE_FORBIDDEN when permitted is empty, even if allowed-roles allows the role",
    pod: pod({ [ROLE]: "x" }),
    namespace: { [PERMITTED]: "", [ALLOWED]: '["x"]' },
    roles: { app: "ROLE_FORBIDDEN" },
  },
  {
    what: "returns PERMITTED_INVALID when permitted cannot be parsed",
    pod: pod({ [ROLE]: "x" }),
    namespace: { [PERMITTED]: "(" },
    roles: { app: "PERMITTED_INVALID" },
  },
  {
    what: "returns PERMITTED_INVALID when allowed-roles cannot be parsed, even if permitted allows the role",
    pod: pod({ [ROLE]: "x" }),
    namespace: { ...ANY, [ALLOWED]: "x" },
    roles: { app: "PERMITTED_INVALID" },
  },
  {
    what: "returns ROLE_FORBIDDEN when one annotation denies the role and the other cannot be parsed",
    pod: pod({ [ROLE]: "x" }),
    namespace: { [PERMITTED]: "(", [ALLOWED]: '["y"]' },
    roles: { app: "ROLE_FORBIDDEN" },
  },
  {
    what: "returns ROLE_FORBIDDEN for a role of another account when the expression does not match it",
    pod: pod({ [ROLE]: "arn:aws:iam::999999999999:role/x" }),
    namespace: { [PERMITTED]: `${BASE}.*` },
    roles: { app: "ROLE_FORBIDDEN" },
  },
  {
    what: "returns ROLE_FORBIDDEN when only the pod has the annotation permitted",
    pod: pod({ [ROLE]: "x", [PERMITTED]: ".*" }),
    namespace: {},
    roles: { app: "ROLE_FORBIDDEN" },
  },
];

for (const { what, roles, namespace = ANY, ...given } of CASES) {
  test(`decideRoles() ${what}`, () => {
    const decided = decideRoles(given.pod, inherited(namespace, given.serviceAccount), settings(given.settings));
    assert.equal(decided.refusal, undefined);
    const short = decided.roles.map((one) => [
      one.container,
      one.refusal?.code ?? `${one.role?.arn.slice(BASE.length)} ${one.origin}`,
    ]);
    assert.deepEqual(Object.fromEntries(short), roles);
  });
}

const STRANGERS: readonly (readonly [what: string, annotations: Record<string, string>, message: RegExp])[] = [
  [
    "a role for a container that is not there",
    { [`${ROLE}.web`]: "x" },
    /role\.web": the pod has no container "web"; expected one of "init", "app"/,
  ],
  ["a role for no name", { [`${ROLE}.`]: "x" }, /no container ""/],
  ["a role for podrole's own container", { [`${ROLE}.podrole-sidecar`]: "x" }, /no container "podrole-sidecar"/],
  ["a role for Object's constructor", { [`${ROLE}.constructor`]: "x" }, /no container "constructor"/],
  [
    "a list with a container that is not there",
    { [ROLE]: "x", [CONTAINERS]: "app,web" },
    /containers "app,web": the pod has no container "web"/,
  ],
  [
    "a role for a container that the list leaves out",
    { [CONTAINERS]: "app", [`${ROLE}.init`]: "x" },
    /leaves container "init" out; expected one of "app"/,
  ],
  [
    "a role for a container when the list is empty",
    { [CONTAINERS]: "", [`${ROLE}.app`]: "x" },
    /leaves container "app" out; expected no container/,
  ],
];

for (const [what, annotations, message] of STRANGERS) {
  test(`decideRoles() refuses the pod over ${what} with CONTAINER_UNKNOWN`, () => {
    const { roles, refusal } = decideRoles(pod(annotations, two), inherited(ANY), settings());
    assert.deepEqual(roles, []);
    assert.equal(refusal?.code, "CONTAINER_UNKNOWN");
    assert.match(refusal?.message ?? "", message);
  });
}

test("decideRoles() names pod, container, role and reason in ROLE_FORBIDDEN", () => {
  const facts = pod({ [ROLE]: "x" }, { namespace: "ns", name: "name" });
  const [no] = decideRoles(facts, inherited({ [PERMITTED]: ".*team-a.*" }), settings()).roles;
  assert.deepEqual(no, {
    container: "app",
    asked: "x",
    origin: "pod",
    outcome: "refused",
    role: { arn: `${BASE}x`, partition: "aws", accountId: "123456789012", path: "/", name: "x" },
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
    message(pod({ [`${ROLE}.app`]: "*" }), inherited(ANY), settings()),
    /iam\.amazonaws\.com\/role\.app "\*"/,
  );
  assert.match(
    message(pod(), inherited(ANY, { [ROLE]: "*" }), settings()),
    /the ServiceAccount's iam\.amazonaws\.com\/role "\*"/,
  );
  assert.match(
    message(pod(), inherited({ ...ANY, [DEFAULT]: "*" }), settings()),
    /the namespace's iam\.amazonaws\.com\/default-role/,
  );
  assert.match(message(pod(), inherited(ANY), settings({ defaultRole: "*" })), /--default-role "\*"/);
});

test("decideRoles() decides the same before the pod has a name", () => {
  const facts = pod({ [ROLE]: "x" });
  const unnamed = { ...facts, name: undefined, uid: undefined };
  assert.deepEqual(decideRoles(unnamed, inherited(ANY), settings()), decideRoles(facts, inherited(ANY), settings()));
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
