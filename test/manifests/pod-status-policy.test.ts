// The policy on pods/status, which the chart generates from the one of base. test/cluster tries it on a real API server.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { readManifest, readText } from "../files.ts";

interface PolicyObject {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly failurePolicy?: string;
    readonly policyName?: string;
    readonly validationActions?: readonly string[];
    readonly matchConstraints?: { readonly resourceRules: readonly object[] };
    readonly matchConditions?: readonly { readonly expression: string }[];
    readonly validations?: readonly { readonly expression: string }[];
  };
}

suite("ValidatingAdmissionPolicy podrole-pod-status", () => {
  const [policy, binding, ...others] = readManifest<PolicyObject>("base/pod-status-policy.yaml");

  test("concerns UPDATE of pods/status in every namespace", () => {
    assert.equal(others.length, 0);
    const rule = { apiGroups: [""], apiVersions: ["v1"], operations: ["UPDATE"], resources: ["pods/status"] };
    assert.deepEqual(policy?.spec.matchConstraints, { resourceRules: [{ ...rule, scope: "Namespaced" }] });
  });

  test("refuses, also if it cannot be evaluated, but only requests that change podrole's annotations", () => {
    assert.deepEqual([policy?.spec.failurePolicy, policy?.spec.validations?.[0]?.expression], ["Fail", "false"]);
    assert.equal(policy?.spec.matchConditions?.length, 1);
    assert.deepEqual([binding?.spec.policyName, binding?.spec.validationActions], [policy?.metadata.name, ["Deny"]]);
  });

  test("is left out of the chart before Kubernetes 1.30, and with admissionPolicy.enabled: false", () => {
    const [first] = readText("manifests/chart/templates/pod-status-policy.yaml").split("\n");
    assert.equal(
      first,
      '{{- if and .Values.admissionPolicy.enabled (semverCompare ">=1.30.0-0" .Capabilities.KubeVersion.Version) }}',
    );
  });
});
