import assert from "node:assert/strict";
import { test } from "node:test";
import type { PolicySettings } from "../../src/policy/decide.ts";
import { POLICY_SETTINGS, policySettings } from "../../src/policy/settings-table.ts";
import { readSettings } from "../../src/runtime/settings.ts";
import { SERVER_SETTINGS } from "../../src/settings/server.ts";
import { WEBHOOK_SETTINGS } from "../../src/settings/webhook.ts";
import { BASE_ARN } from "./facts.ts";

type Key = keyof typeof POLICY_SETTINGS;
type Flags = Readonly<Partial<Record<Key, string>>>;

function policyOf(flags: Flags, detectedBaseArn?: string): PolicySettings {
  const read = readSettings(POLICY_SETTINGS, flags, {});
  assert.ok(read.ok, JSON.stringify(read));
  return policySettings(read.value, detectedBaseArn);
}

const EFFECTS: Readonly<Record<Key, readonly [Flags, Partial<PolicySettings>]>> = {
  roleBaseArn: [{ roleBaseArn: BASE_ARN }, { baseArn: BASE_ARN }],
  roleBaseArnAutodetect: [{ roleBaseArnAutodetect: "true" }, { serverDetectsBaseArn: true }],
  defaultRole: [{ defaultRole: "usual" }, { defaultRole: "usual" }],
  allowedRolesFormat: [{ allowedRolesFormat: "regexp" }, { allowedRolesFormat: "regexp" }],
  disableStrictNamespaceRegexp: [{ disableStrictNamespaceRegexp: "true" }, { strictNamespaceRegexp: false }],
  sessionDuration: [{ sessionDuration: "2h" }, { sessionDurationMs: 7_200_000 }],
  maxSessionDuration: [{ maxSessionDuration: "12h" }, { maxSessionDurationMs: 43_200_000 }],
  sessionName: [{ sessionName: "{pod}" }, { sessionName: { kind: "template", template: "{pod}" } }],
  session: [{ session: "prod" }, { sessionName: { kind: "kiam", session: "prod" } }],
  sessionTags: [{ sessionTags: "true" }, { sessionTags: true }],
  sessionTagLabels: [{ sessionTagLabels: "team, app" }, { sessionTagLabels: ["team", "app"] }],
  sessionTagsTransitive: [{ sessionTagsTransitive: "true" }, { transitiveTags: true }],
  sourceIdentity: [{ sourceIdentity: "true" }, { sourceIdentity: true }],
  clusterName: [{ clusterName: "prod" }, { clusterName: "prod" }],
  clusterArn: [{ clusterArn: "arn:x" }, { clusterArn: "arn:x" }],
  pinRoles: [{ pinRoles: "true" }, { pinRoles: true }],
  firstHops: [{ firstHops: `${BASE_ARN}a=${BASE_ARN}b` }, { firstHops: { [`${BASE_ARN}a`]: `${BASE_ARN}b` } }],
};

for (const [key, [flags, effect]] of Object.entries(EFFECTS)) {
  test(`policySettings() passes ${key} on and changes nothing else`, () => {
    assert.notDeepEqual(policyOf({}), policyOf(flags));
    assert.deepEqual(policyOf(flags), { ...policyOf({}), ...effect });
  });
}

for (const firstHops of [`x=${BASE_ARN}b`, `${BASE_ARN}a=x`, `${BASE_ARN}a`, `${BASE_ARN}a=${BASE_ARN}b,`]) {
  test(`readSettings() refuses --first-hops ${firstHops}, and names the flag`, () => {
    const read = readSettings(POLICY_SETTINGS, { firstHops }, {});
    assert.ok(!read.ok);
    assert.match(read.problems.join("; "), /^--first-hops: [^;]* is not pairs of role ARNs[^;]*$/);
  });
}

test("policySettings() prefers --role-base-arn to a detected base ARN, and a detected one to none", () => {
  const detected = "arn:aws:iam::000000000000:role/";
  const autodetect = { roleBaseArnAutodetect: "true" };
  for (const [flags, found, baseArn, serverDetects] of [
    [{ roleBaseArn: BASE_ARN, ...autodetect }, detected, BASE_ARN, undefined],
    [{ roleBaseArn: BASE_ARN, ...autodetect }, undefined, BASE_ARN, undefined],
    [autodetect, detected, detected, undefined],
    [autodetect, undefined, undefined, true],
    [{}, undefined, undefined, undefined],
  ] as const) {
    const policy = policyOf(flags, found);
    assert.deepEqual([policy.baseArn, policy.serverDetectsBaseArn], [baseArn, serverDetects], JSON.stringify(flags));
  }
});

test("SERVER_SETTINGS and WEBHOOK_SETTINGS have every policy setting, with the same name, type, default and help", () => {
  for (const [key, row] of Object.entries(POLICY_SETTINGS)) {
    assert.equal(SERVER_SETTINGS[key as Key], row, key);
    assert.equal(WEBHOOK_SETTINGS[key as Key], row, key);
  }
});
