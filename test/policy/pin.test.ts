import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { EnvVar } from "../../src/kubernetes/objects.ts";
import { ANNOTATION_TABLE, ANNOTATIONS } from "../../src/policy/annotations.ts";
import { assumeRoleInput, decideRoles } from "../../src/policy/decide.ts";
import { podFacts } from "../../src/policy/facts.ts";
import { formatPin, pinnedFacts } from "../../src/policy/pin.ts";
import { isRefusal } from "../../src/protocol/errors.ts";
import {
  BASE_ARN,
  codeOf,
  inherited,
  PERMITTED_ANNOTATION,
  parsedRole,
  podFactsWith,
  policySettingsWith,
  ROLE_ANNOTATION,
} from "./facts.ts";

const AROUND = inherited({ [PERMITTED_ANNOTATION]: ".*" });
const SESSION = { "iam.amazonaws.com/session-name": "nightly", "podrole.io/session-duration": "30m" };

/** The pin of a pod with these annotations and two containers. */
function pinOf(annotations: Record<string, string>): string {
  const { roles } = decideRoles(
    podFactsWith(annotations, { containers: ["app", "job"] }),
    AROUND,
    policySettingsWith(),
  );
  const pin = formatPin(roles, annotations);
  assert.ok(!isRefusal(pin));
  return pin;
}

/** The roles of a pod with this pin, whatever its annotations are. */
function rolesOf(pin: string | undefined, annotations: Record<string, string> = {}, permitted = ".*") {
  const facts = pinnedFacts(
    podFactsWith(annotations, { containers: ["app", "job"], ...(pin !== undefined && { pin }) }),
  );
  if (isRefusal(facts)) return facts.code;
  const { roles, refusal } = decideRoles(facts, inherited({ [PERMITTED_ANNOTATION]: permitted }), policySettingsWith());
  const outcomes = roles.map((role) => [
    role.container,
    role.outcome === "allowed" ? role.role.arn : role.refusal.code,
  ]);
  return refusal?.code ?? Object.fromEntries(outcomes);
}

test("formatPin() writes roles and session settings in one order, and no other annotation", () => {
  const pin = pinOf({ ...SESSION, [`${ROLE_ANNOTATION}.job`]: "b", [ROLE_ANNOTATION]: "a", "example.com/note": "x" });
  const session = '"iam.amazonaws.com/session-name":"nightly","podrole.io/session-duration":"30m"';
  assert.equal(pin, `{"roles":{"app":"${BASE_ARN}a","job":"${BASE_ARN}b"},"session":{${session}}}`);
});

/** The roles of `count` containers that inherit the longest ARN. */
function inheritedRoles(count: number) {
  const containers = Array.from({ length: count }, (_, index) => `${"c".repeat(50)}${index}`);
  const longest = `${BASE_ARN}${"p".repeat(500)}/${"r".repeat(64)}`;
  const around = inherited({ [PERMITTED_ANNOTATION]: ".*", "iam.amazonaws.com/default-role": longest });
  const { roles } = decideRoles(podFactsWith({}, { containers }), around, policySettingsWith());
  return { containers, roles };
}

test("formatPin() writes a long pin that the server accepts, and refuses one that it would not accept", () => {
  const { containers, roles } = inheritedRoles(40);
  const pin = formatPin(roles);
  assert.ok(!isRefusal(pin) && pin.length > 20_000);
  const facts = pinnedFacts(podFactsWith({}, { containers, pin }));
  assert.ok(!isRefusal(facts));
  const decided = decideRoles(facts, inherited({ [PERMITTED_ANNOTATION]: ".*" }), policySettingsWith());
  assert.deepEqual([decided.refusal, decided.roles.length], [undefined, 40]);
  assert.equal(codeOf(formatPin(inheritedRoles(60).roles)), "ANNOTATION_INVALID");
});

test("pinnedFacts() gives the pinned roles and session settings, whatever the annotations say since", () => {
  const pin = pinOf({ ...SESSION, [ROLE_ANNOTATION]: "a", "podrole.io/containers": "app" });
  const later = { [ROLE_ANNOTATION]: "b", [`${ROLE_ANNOTATION}.job`]: "c", "iam.amazonaws.com/session-name": "other" };
  assert.deepEqual(rolesOf(pin, later), { app: `${BASE_ARN}a` });
  const facts = pinnedFacts(podFactsWith(later, { pin }));
  assert.ok(!isRefusal(facts));
  assert.equal(facts.annotations["iam.amazonaws.com/session-name"], "nightly");
});

for (const [key, { name, on, decides }] of Object.entries(ANNOTATION_TABLE)) {
  if (!on.some((place) => place === "pod")) continue;
  test(`formatPin() keeps ${name} of a pod if it decides a role or a session`, () => {
    const annotation = { [key === "roleOfContainer" ? `${name}app` : name]: key === "containers" ? "app" : "x1" };
    const pins = [pinOf({ [ROLE_ANNOTATION]: "a", ...annotation }), pinOf({ [ROLE_ANNOTATION]: "a" })];
    assert.equal(pins[0] === pins[1], decides === "injection");
  });
}

test("decideRoles() and assumeRoleInput() read only annotations that decide a role or a session", () => {
  const read = new Set<string>();
  const annotations = new Proxy<Record<string, string>>(
    { [ROLE_ANNOTATION]: "a" },
    {
      getOwnPropertyDescriptor(target, name) {
        read.add(String(name));
        return Reflect.getOwnPropertyDescriptor(target, name);
      },
    },
  );
  assert.equal(decideRoles(podFactsWith(annotations), AROUND, policySettingsWith()).roles.length, 1);
  assumeRoleInput(podFactsWith(annotations), parsedRole(`${BASE_ARN}a`), policySettingsWith(), "deferred");
  assert.ok(read.has(ANNOTATIONS.sessionName));
  const decisive = Object.values(ANNOTATION_TABLE).filter(({ decides }) => decides !== "injection");
  const expected = new Set<string>([...decisive.map(({ name }) => name), `${ANNOTATIONS.roleOfContainer}app`]);
  assert.deepEqual(
    [...read].filter((name) => !expected.has(name)),
    [],
  );
});

test("pinnedFacts() leaves it to the namespace to permit a pinned role", () => {
  const pin = pinOf({ [ROLE_ANNOTATION]: "a" });
  assert.deepEqual(rolesOf(pin, {}, `${BASE_ARN}b`), { app: "ROLE_FORBIDDEN", job: "ROLE_FORBIDDEN" });
});

test("pinnedFacts() ignores roles that ServiceAccount, namespace and --default-role name", () => {
  const facts = pinnedFacts(
    podFactsWith({}, { containers: ["app", "job"], pin: `{"roles":{"app":"${BASE_ARN}a"},"session":{}}` }),
  );
  assert.ok(!isRefusal(facts));
  const others = inherited(
    { [PERMITTED_ANNOTATION]: ".*", "iam.amazonaws.com/default-role": "b" },
    { [ROLE_ANNOTATION]: "c" },
  );
  const { roles } = decideRoles(facts, others, policySettingsWith({ defaultRole: "d" }));
  assert.deepEqual(
    roles.map(({ container, asked }) => [container, asked]),
    [["app", `${BASE_ARN}a`]],
  );
});

test("pinnedFacts() refuses a pod without a pin with ROLE_UNPINNED", () => {
  assert.equal(rolesOf(undefined, { [ROLE_ANNOTATION]: "a" }), "ROLE_UNPINNED");
});

for (const text of [
  "",
  "{}",
  "null",
  "[]",
  '{"roles":{}}',
  '{"roles":{"app":1},"session":{}}',
  '{"roles":[],"session":{}}',
  '{"roles":{},"session":{},"more":{}}',
  '{"roles":{},"session":{"podrole.io/containers":"app"}}',
  '{"session":{},"roles":{}}',
  `{ "roles": { "app": "${BASE_ARN}a" }, "session": {} }`,
  `{"roles":{"app":"${BASE_ARN}a","app":"${BASE_ARN}b"},"session":{}}`,
]) {
  test(`pinnedFacts() refuses the pin ${JSON.stringify(text)} with ROLE_UNPINNED`, () => {
    assert.equal(rolesOf(text), "ROLE_UNPINNED");
  });
}

test("pinnedFacts() refuses a pin for a container that the pod does not have", () => {
  for (const name of ["absent", "app,job"]) {
    assert.equal(rolesOf(`{"roles":{"${name}":"${BASE_ARN}a"},"session":{}}`), "CONTAINER_UNKNOWN");
  }
});

test("pinnedFacts() never throws, and no pin permits what the namespace does not", () => {
  const pins = fc.oneof(
    fc.string(),
    fc.json(),
    fc
      .tuple(
        fc.dictionary(fc.string(), fc.string()),
        fc.dictionary(fc.constantFrom(...Object.keys(SESSION)), fc.string()),
      )
      .map(([roles, session]) => JSON.stringify({ roles, session })),
    fc
      .dictionary(fc.constantFrom("app", "job"), fc.constantFrom("a", "b", `${BASE_ARN}a`, `${BASE_ARN}b`, ""))
      .map((roles) => JSON.stringify({ roles, session: {} })),
  );
  fc.assert(
    fc.property(pins, (pin) => {
      const facts = pinnedFacts(podFactsWith({}, { containers: ["app", "job"], pin }));
      if (isRefusal(facts)) return assert.equal(codeOf(facts), "ROLE_UNPINNED");
      const { roles } = decideRoles(facts, inherited({ [PERMITTED_ANNOTATION]: `${BASE_ARN}a` }), policySettingsWith());
      for (const role of roles) assert.ok(role.outcome !== "allowed" || role.role.arn === `${BASE_ARN}a`);
    }),
  );
});

test("podFacts() reads the pin of podrole-sidecar, and none that is longer than the webhook writes, doubled or elsewhere", () => {
  const pinIn = (env: readonly EnvVar[], name = "podrole-sidecar") =>
    podFacts({ metadata: {}, spec: { containers: [{ name, env: [...env] }] } }, "shop").pin;
  const variable = (value: string) => ({ name: "PODROLE_PINNED_ROLES", value });
  assert.equal(pinIn([variable("x")]), "x");
  assert.equal(pinIn([variable("x")], "app"), undefined);
  assert.equal(pinIn([variable("x"), variable("x")]), undefined);
  assert.equal(pinIn([{ name: "PODROLE_PINNED_ROLES", valueFrom: {} }]), undefined);
  assert.equal(pinIn([variable("x".repeat(32 * 1024 + 1))]), undefined);
  assert.equal(pinIn([variable("x".repeat(32 * 1024))])?.length, 32 * 1024);
});
