import assert from "node:assert/strict";
import { test } from "node:test";
import { type Deployment, policyDifferences, readInstalled } from "../../src/operations/installed.ts";
import { POLICY_SETTINGS } from "../../src/policy/settings-table.ts";
import { envName } from "../../src/runtime/settings.ts";

type Env = Readonly<Record<string, string>>;

function deployment(program: "server" | "webhook", env: Env): Deployment {
  const list = Object.entries(env).map(([name, value]) => ({ name, value }));
  const spec = { containers: [{ name: program, args: [program], env: list }] };
  return { metadata: { name: `podrole-${program}` }, spec: { template: { metadata: {}, spec } } };
}

function differing(server: Env, webhook: Env): readonly (string | undefined)[] {
  const installed = readInstalled([deployment("server", server), deployment("webhook", webhook)], []);
  assert.deepEqual([installed.server?.problems, installed.webhook?.problems], [[], []]);
  return policyDifferences(installed).map((text) => text.split(" ")[0]);
}

const BASE = { PODROLE_ROLE_BASE_ARN: "arn:aws:iam::123456789012:role/" };
const AUTODETECT = { PODROLE_ROLE_BASE_ARN_AUTODETECT: "true" };

const VALUES: Env = {
  ...BASE,
  ...AUTODETECT,
  PODROLE_ALLOWED_ROLES_FORMAT: "regexp",
  PODROLE_FIRST_HOPS: "arn:aws:iam::123456789012:role/a=arn:aws:iam::123456789012:role/b",
  PODROLE_SESSION_DURATION: "2h",
  PODROLE_MAX_SESSION_DURATION: "4h",
};

test("policyDifferences() finds each policy setting that only one program has", () => {
  for (const key of Object.keys(POLICY_SETTINGS)) {
    const name = envName(key);
    const isFlag = POLICY_SETTINGS[key as keyof typeof POLICY_SETTINGS].default === "false";
    const only = { [name]: VALUES[name] ?? (isFlag ? "true" : "x") };
    assert.deepEqual(differing(only, only), [], name);
    assert.deepEqual(differing({}, only), [name]);
    assert.deepEqual(differing(only, {}), [name]);
  }
});

test("policyDifferences() accepts a webhook with the base ARN that the server detects", () => {
  assert.deepEqual(differing(AUTODETECT, BASE), []);
  assert.deepEqual(differing(AUTODETECT, AUTODETECT), []);
  assert.deepEqual(differing(BASE, AUTODETECT), ["PODROLE_ROLE_BASE_ARN", "PODROLE_ROLE_BASE_ARN_AUTODETECT"]);
});

test("policyDifferences() compares values, not their spelling", () => {
  assert.deepEqual(differing({ PODROLE_SESSION_DURATION: "60m" }, { PODROLE_SESSION_DURATION: "1h" }), []);
});
