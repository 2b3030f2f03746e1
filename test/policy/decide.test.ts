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
  { what: "gives nothing to a pod that asks for nothing", pod: pod(), roles: {} },
  {
    what: "gives the pod's role to every container",
    pod: pod({ [ROLE]: "x" }, two),
    roles: { init: "x pod", app: "x pod" },
  },
  {
    what: "prefers the container's own role",
    pod: pod({ [ROLE]: "x", [`${ROLE}.app`]: "y" }, two),
    roles: { init: "x pod", app: "y container" },
  },
  {
    what: "leaves a container without a role out",
    pod: pod({ [`${ROLE}.app`]: "y" }, two),
    roles: { app: "y container" },
  },
  {
    what: "leaves a container out that podrole.io/containers does not name",
    pod: pod({ [ROLE]: "x", [CONTAINERS]: " app, " }, two),
    roles: { app: "x pod" },
  },
  {
    what: "lets no container take part when the list is empty",
    pod: pod({ [ROLE]: "x", [CONTAINERS]: "" }),
    roles: {},
  },
  {
    what: "falls back to the ServiceAccount",
    pod: pod(),
    serviceAccount: { [ROLE]: "sa" },
    roles: { app: "sa serviceAccount" },
  },
  {
    what: "prefers the pod to the ServiceAccount",
    pod: pod({ [ROLE]: "x" }),
    serviceAccount: { [ROLE]: "sa" },
    roles: { app: "x pod" },
  },
  {
    what: "falls back to the namespace",
    pod: pod(),
    namespace: { ...ANY, [DEFAULT]: "ns" },
    roles: { app: "ns namespace" },
  },
  {
    what: "prefers the ServiceAccount to the namespace",
    pod: pod(),
    namespace: { ...ANY, [DEFAULT]: "ns" },
    serviceAccount: { [ROLE]: "sa" },
    roles: { app: "sa serviceAccount" },
  },
  {
    what: "falls back to the server's default",
    pod: pod(),
    settings: { defaultRole: "d" },
    roles: { app: "d default" },
  },
  {
    what: "prefers the namespace to the server's default",
    pod: pod(),
    namespace: { ...ANY, [DEFAULT]: "ns" },
    settings: { defaultRole: "d" },
    roles: { app: "ns namespace" },
  },
  {
    what: "does not let an empty or broken annotation turn into another role",
    pod: pod({ [ROLE]: "", [`${ROLE}.app`]: "arn:foo" }, two),
    settings: { defaultRole: "d" },
    roles: { init: "ROLE_INVALID", app: "ROLE_INVALID" },
  },
  {
    what: "does not let a container's empty annotation turn into the pod's role",
    pod: pod({ [ROLE]: "x", [`${ROLE}.app`]: "" }, two),
    roles: { init: "x pod", app: "ROLE_INVALID" },
  },
  {
    what: "judges each container by itself",
    pod: pod({ [`${ROLE}.init`]: "a", [`${ROLE}.app`]: "b" }, two),
    namespace: { [PERMITTED]: ".*/a" },
    roles: { init: "a container", app: "ROLE_FORBIDDEN" },
  },
  {
    what: "exempts no default role of the namespace",
    pod: pod(),
    namespace: { [DEFAULT]: "ns" },
    roles: { app: "ROLE_FORBIDDEN" },
  },
  {
    what: "exempts no default role of the server",
    pod: pod(),
    namespace: {},
    settings: { defaultRole: "d" },
    roles: { app: "ROLE_FORBIDDEN" },
  },
  {
    what: "exempts no role of the ServiceAccount",
    pod: pod(),
    namespace: {},
    serviceAccount: { [ROLE]: "sa" },
    roles: { app: "ROLE_FORBIDDEN" },
  },
  {
    what: "permits nothing without an annotation of the namespace",
    pod: pod({ [ROLE]: "x" }),
    namespace: {},
    roles: { app: "ROLE_FORBIDDEN" },
  },
  {
    what: "permits nothing by an empty one",
    pod: pod({ [ROLE]: "x" }),
    namespace: { [PERMITTED]: "" },
    roles: { app: "ROLE_FORBIDDEN" },
  },
  {
    what: "permits by allowed-roles alone",
    pod: pod({ [ROLE]: "x" }),
    namespace: { [ALLOWED]: '["x"]' },
    roles: { app: "x pod" },
  },
  {
    what: "forbids by allowed-roles alone",
    pod: pod({ [ROLE]: "x" }),
    namespace: { [ALLOWED]: '["y"]' },
    roles: { app: "ROLE_FORBIDDEN" },
  },
  {
    what: "permits what both allow",
    pod: pod({ [ROLE]: "x" }),
    namespace: { ...ANY, [ALLOWED]: '["x"]' },
    roles: { app: "x pod" },
  },
  {
    what: "forbids what only permitted allows",
    pod: pod({ [ROLE]: "x" }),
    namespace: { ...ANY, [ALLOWED]: "[]" },
    roles: { app: "ROLE_FORBIDDEN" },
  },
  {
    what: "forbids what only allowed-roles allows",
    pod: pod({ [ROLE]: "x" }),
    namespace: { [PERMITTED]: ".*/y", [ALLOWED]: '["x"]' },
    roles: { app: "ROLE_FORBIDDEN" },
  },
  {
    what: "takes an empty permitted beside allowed-roles for a no",
    pod: pod({ [ROLE]: "x" }),
    namespace: { [PERMITTED]: "", [ALLOWED]: '["x"]' },
    roles: { app: "ROLE_FORBIDDEN" },
  },
  {
    what: "reports an unreadable permitted",
    pod: pod({ [ROLE]: "x" }),
    namespace: { [PERMITTED]: "(" },
    roles: { app: "PERMITTED_INVALID" },
  },
  {
    what: "reports an unreadable allowed-roles although permitted allows",
    pod: pod({ [ROLE]: "x" }),
    namespace: { ...ANY, [ALLOWED]: "x" },
    roles: { app: "PERMITTED_INVALID" },
  },
  {
    what: "lets a clear no weigh more than an unreadable annotation",
    pod: pod({ [ROLE]: "x" }),
    namespace: { [PERMITTED]: "(", [ALLOWED]: '["y"]' },
    roles: { app: "ROLE_FORBIDDEN" },
  },
  {
    what: "judges a role of another account like any other",
    pod: pod({ [ROLE]: "arn:aws:iam::999999999999:role/x" }),
    namespace: { [PERMITTED]: `${BASE}.*` },
    roles: { app: "ROLE_FORBIDDEN" },
  },
  {
    what: "ignores the unread annotations of a namespace in a pod",
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
