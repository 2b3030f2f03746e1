// The webhook's settings up to the decision about a pod: what was set for sessions and role names takes effect at
// admission.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Plan, plan } from "../../src/injection/plan.ts";
import { readSettings } from "../../src/runtime/settings.ts";
import { crossCheckWebhook } from "../../src/settings/cross-check.ts";
import { choosesNativeSidecar, planSettings } from "../../src/settings/plan-settings.ts";
import { WEBHOOK_SETTINGS } from "../../src/settings/webhook.ts";
import { inShop } from "../injection/pods.ts";

const BASE = { PODROLE_ROLE_BASE_ARN: "arn:aws:iam::123456789012:role/" };

function planned(env: Readonly<Record<string, string>>, annotations: Readonly<Record<string, string>>): Plan {
  const read = readSettings(WEBHOOK_SETTINGS, {}, env);
  assert.ok(read.ok, JSON.stringify(read));
  const settings = planSettings(read.value, { trustBundle: "", nativeSidecar: true });
  const spec = { containers: [{ name: "app" }, { name: "other" }] };
  return plan(inShop({ metadata: { name: "web", annotations: { ...annotations } }, spec }), settings);
}

const ROLE = { "iam.amazonaws.com/role": "shop-a" };
const requesting = (lifetime: string) => ({ ...ROLE, "podrole.io/session-duration": lifetime });
const codesOf = ({ warnings }: Plan) => warnings.map(({ code }) => code);

for (const [env, lifetime, reason, warnings] of [
  [{}, "1h", "INJECTED", []],
  [{}, "2h", "ANNOTATION_INVALID", []],
  [{ PODROLE_MAX_SESSION_DURATION: "12h" }, "4h", "INJECTED", ["SESSION_MAY_BE_SHORTENED"]],
  [{ PODROLE_MAX_SESSION_DURATION: "12h" }, "30m", "INJECTED", []],
  [{ PODROLE_MAX_SESSION_DURATION: "4h" }, "5h", "ANNOTATION_INVALID", []],
  [{ PODROLE_SESSION_DURATION: "2h" }, "2h", "INJECTED", ["SESSION_MAY_BE_SHORTENED"]],
  [{ PODROLE_SESSION_DURATION: "30m" }, "1h", "ANNOTATION_INVALID", []],
  [{ PODROLE_SESSION_DURATION: "30m", PODROLE_MAX_SESSION_DURATION: "1h" }, "1h", "INJECTED", []],
] as const) {
  test(`plan() with ${JSON.stringify(env)} answers ${reason} to a pod that requests ${lifetime}`, () => {
    const result = planned({ ...BASE, ...env }, requesting(lifetime));
    assert.deepEqual([result.reason, codesOf(result)], [reason, warnings]);
  });
}

test("plan() names sessions as the server does: --session accepts any name in the pod's annotation, as kiam does", () => {
  const annotations = { ...ROLE, "iam.amazonaws.com/session-name": "a b" };
  assert.equal(planned(BASE, annotations).reason, "ANNOTATION_INVALID");
  assert.equal(planned({ ...BASE, PODROLE_SESSION: "prod" }, annotations).reason, "INJECTED");
});

const AUTODETECT = { PODROLE_ROLE_BASE_ARN_AUTODETECT: "true" };

test("plan() admits a short role name, with a warning, when only the server has the base ARN", () => {
  const result = planned(AUTODETECT, ROLE);
  assert.deepEqual([result.reason, codesOf(result)], ["INJECTED", ["ROLE_UNCHECKED"]]);
  assert.equal(result.message, "podrole is injected; app, other: shop-a");
  assert.deepEqual(
    result.roles.map(({ outcome, role }) => [outcome, role]),
    [
      ["undecided", undefined],
      ["undecided", undefined],
    ],
    "admitted, never allowed: that is the server's decision",
  );
});

for (const [what, env, annotations, reason] of [
  ["a short name without a base ARN anywhere", {}, ROLE, "ROLE_INVALID"],
  ["a short name that the webhook can resolve", { ...AUTODETECT, ...BASE }, ROLE, "INJECTED"],
  [
    "a short name that the webhook can resolve and the namespace forbids",
    { ...AUTODETECT, ...BASE },
    { "iam.amazonaws.com/role": "payments" },
    "ROLE_FORBIDDEN",
  ],
  ["a name that no base ARN makes a role", AUTODETECT, { "iam.amazonaws.com/role": "a b" }, "ROLE_INVALID"],
  [
    "a full ARN that the namespace forbids",
    AUTODETECT,
    { "iam.amazonaws.com/role": "arn:aws:iam::123456789012:role/payments" },
    "ROLE_FORBIDDEN",
  ],
  [
    "a mistyped ARN beside a short name",
    AUTODETECT,
    { ...ROLE, "iam.amazonaws.com/role.other": "arn:foo" },
    "ROLE_INVALID",
  ],
  [
    "two short names behind one metadata service",
    AUTODETECT,
    { ...ROLE, "iam.amazonaws.com/role.other": "shop-b", "podrole.io/metadata": "enabled" },
    "ANNOTATION_INVALID",
  ],
] as const) {
  test(`plan() answers ${reason} to ${what}, and warns of nothing`, () => {
    const result = planned(env, annotations);
    assert.deepEqual([result.reason, codesOf(result)], [reason, []]);
  });
}

function problemsOf(flags: Readonly<Record<string, string>>): readonly string[] {
  const read = readSettings(WEBHOOK_SETTINGS, flags, {});
  return read.ok ? crossCheckWebhook(read.value) : read.problems;
}

for (const [what, flags, about] of [
  ["a default role that is no role", { defaultRole: "not a role" }, /--default-role "not a role"/],
  ["a default role that is a mistyped ARN", { defaultRole: "arn:aws:iam::12:role/x" }, /--default-role/],
  ["a memory limit with which no sidecar starts", { sidecarMemory: "47Mi" }, /--sidecar-memory: it is 47Mi/],
  ["a session below STS's 15m", { sessionDuration: "14m" }, /--session-duration: STS issues/],
] as const) {
  test(`crossCheckWebhook() refuses ${what} at start, not at the first pod`, () => {
    const problems = problemsOf(flags);
    assert.equal(problems.length, 1, problems.join("; "));
    assert.match(problems[0] ?? "", about);
  });
}

for (const flags of [{}, { defaultRole: "team/orders" }, { defaultRole: "arn:aws-cn:iam::123456789012:role/x" }]) {
  test(`crossCheckWebhook() accepts ${JSON.stringify(flags)}`, () => {
    assert.deepEqual(problemsOf(flags), []);
  });
}

for (const [setting, knows, expected] of [
  ["off", true, false],
  ["on", false, true],
  ["auto", false, false],
  ["auto", true, true],
] as const) {
  test(`planSettings() gives pods ${expected ? "a pod certificate" : "a token"} with ${setting} in a cluster that ${knows ? "knows" : "does not know"} pod certificates`, () => {
    const read = readSettings(WEBHOOK_SETTINGS, {}, { ...BASE, PODROLE_POD_CERTIFICATES: setting });
    assert.ok(read.ok);
    const cluster = { trustBundle: "", nativeSidecar: true, knowsPodCertificates: knows };
    assert.equal(planSettings(read.value, cluster).podCertificates, expected);
  });
}

test("planSettings() passes none on as no request, no limit, no user and no group", () => {
  const containerSettings = (flags: Readonly<Record<string, string>>) => {
    const read = readSettings(WEBHOOK_SETTINGS, flags, {});
    assert.ok(read.ok, JSON.stringify(read));
    assert.deepEqual(crossCheckWebhook(read.value), []);
    const { runAsUser, runAsGroup, resources } = planSettings(read.value, { trustBundle: "", nativeSidecar: true });
    return { runAsUser, runAsGroup, ...resources };
  };
  const usual = {
    runAsUser: 65532,
    runAsGroup: 65532,
    cpuRequest: "10m",
    cpuLimit: "500m",
    memoryRequest: "32Mi",
    memoryLimit: "96Mi",
    guaranteedSidecarCpu: "100m",
  };
  assert.deepEqual(containerSettings({}), usual);
  assert.deepEqual(containerSettings({ sidecarGroup: "none" }), { ...usual, runAsGroup: undefined });
  // OpenShift assigns both.
  const assigned = { ...usual, runAsUser: undefined, runAsGroup: undefined };
  assert.deepEqual(containerSettings({ sidecarUser: "none" }), assigned);
  const none = { sidecarMemory: "none", sidecarMemoryRequest: "none", sidecarCpu: "none", sidecarCpuRequest: "none" };
  const absent = { cpuRequest: undefined, cpuLimit: undefined, memoryRequest: undefined, memoryLimit: undefined };
  assert.deepEqual(containerSettings(none), { ...usual, ...absent });
});

for (const [setting, version, expected] of [
  ["true", { major: 1, minor: 28 }, true],
  ["false", { major: 1, minor: 33 }, false],
  ["auto", { major: 1, minor: 28 }, false],
  ["auto", { major: 1, minor: 29 }, true],
  ["auto", { major: 2, minor: 0 }, true],
  ["auto", undefined, true],
] as const) {
  const api = version === undefined ? "an unknown version" : `${version.major}.${version.minor}`;
  test(`choosesNativeSidecar() returns ${expected} for --native-sidecar ${setting} and ${api}`, () => {
    assert.equal(choosesNativeSidecar(setting, version), expected);
  });
}
