import assert from "node:assert/strict";
import { test } from "node:test";
import type { PolicySettings } from "../../../src/policy/decide.ts";
import { Secret } from "../../../src/runtime/secret.ts";
import { createCredentialCache } from "../../../src/server/aws/credential-cache.ts";
import type { AssumeRoleFor } from "../../../src/server/aws/sts-limiter.ts";
import { createCredentialIssuer } from "../../../src/server/issue/issue-credentials.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { policySettingsWith } from "../../policy/facts.ts";

const ROLE = "arn:aws:iam::123456789012:role/orders";

/** Requests credentials for one pod in each of two namespaces; returns their access keys. */
async function accessKeys(annotations: Readonly<Record<string, string>>, sessionName: PolicySettings["sessionName"]) {
  const clock = createFakeClock();
  let issued = 0;
  const assumeRole: AssumeRoleFor = async () => {
    issued += 1;
    const secrets = { secretAccessKey: new Secret("s"), sessionToken: new Secret("t") };
    return { accessKeyId: `ASIA${issued}`, ...secrets, issuedAtMs: clock.now(), expiresAtMs: clock.now() + 3_600_000 };
  };
  const find = async ({ namespace, name, uid, serviceAccount }: ReturnType<typeof identityIn>) => ({
    facts: {
      namespace,
      name,
      uid,
      serviceAccount,
      annotations: { "iam.amazonaws.com/role": ROLE, ...annotations },
      labels: {},
      containers: ["app"],
    },
    inherited: { namespaceAnnotations: { "iam.amazonaws.com/permitted": ".*" }, serviceAccountAnnotations: {} },
  });
  const issuer = createCredentialIssuer({
    audit: () => {},
    directory: { find, confirm: find },
    cache: createCredentialCache({ clock, assumeRole }, { capacity: 10 }),
    readSessionPolicy: async () => undefined,
    recordRefusal: () => {},
    policy: () => policySettingsWith({ baseArn: undefined, sessionName }),
  });
  const keys: string[] = [];
  for (const namespace of ["shop", "team", "shop"]) {
    const [grant] = await issuer.issue(identityIn(namespace), ["app"], "peer");
    assert.ok(grant && "credentials" in grant);
    keys.push(grant.credentials.accessKeyId);
  }
  return keys;
}

function identityIn(namespace: string) {
  return { trustDomain: "cluster.local", namespace, serviceAccount: "app", name: "web", uid: `u-${namespace}` };
}

const NAMED = { "iam.amazonaws.com/session-name": "nightly" };

test("issue() gives pods of two namespaces with one role and one annotated session name an access key each", async () => {
  const own = ["ASIA1", "ASIA2", "ASIA1"];
  assert.deepEqual(await accessKeys(NAMED, { kind: "template", template: "{namespace}" }), own);
  assert.deepEqual(await accessKeys(NAMED, { kind: "kiam", session: "all" }), own);
});

test("issue() lets pods share a session whose name the operator's settings make equal", async () => {
  assert.deepEqual(await accessKeys({}, { kind: "kiam", session: "all" }), ["ASIA1", "ASIA1", "ASIA1"]);
});
