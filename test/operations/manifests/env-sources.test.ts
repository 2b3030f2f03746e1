// What podrole inject and podrole migrate know of `envFrom`: the ConfigMaps and Secrets of their own input.
import assert from "node:assert/strict";
import { test } from "node:test";
import { injectManifests } from "../../../src/operations/inject/inject.ts";
import { PLAN_SETTINGS } from "../../injection/plan-settings.ts";

const MANIFESTS = `apiVersion: v1
kind: Secret
metadata: { name: keys, namespace: shop }
stringData: { AWS_ACCESS_KEY_ID: AKIAEXAMPLE }
---
apiVersion: v1
kind: Pod
metadata: { name: app, namespace: NAMESPACE, annotations: { iam.amazonaws.com/role: shop-a } }
spec: { containers: [{ name: app, image: app, envFrom: [{ secretRef: { name: keys } }] }] }
`;

for (const [namespace, expected] of [
  ["shop", ["CREDENTIALS_SHADOWED"]],
  ["other", ["ENV_FROM_UNREAD"]],
] as const) {
  test(`injectManifests() reads the keys of a Secret of namespace shop for a pod of namespace ${namespace}`, () => {
    const input = { text: MANIFESTS.replace("NAMESPACE", namespace), origin: "app.yaml" };
    const options = { settings: { ...PLAN_SETTINGS, region: undefined }, permitted: ".*" };
    const read = injectManifests(input, options);
    assert.ok(read.ok, JSON.stringify(read));
    const [pod] = read.value.pods;
    assert.equal(pod?.plan.decision, "inject");
    assert.deepEqual(
      pod.plan.warnings.map(({ code }) => code),
      expected,
    );
  });
}
