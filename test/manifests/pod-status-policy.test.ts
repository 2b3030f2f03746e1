// The policy on pods/status and pods/binding, which the chart generates from the one of base. test/cluster tries it on
// a real API server.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { readText } from "../files.ts";
import { assertRefuses, readPolicy } from "./admission-policies.ts";

suite("ValidatingAdmissionPolicy podrole-pod-status", () => {
  const [policy, binding] = readPolicy("pod-status-policy.yaml");

  test("concerns UPDATE of pods/status and CREATE of bindings in every namespace", () => {
    const rule = { apiGroups: [""], apiVersions: ["v1"], scope: "Namespaced" };
    assert.deepEqual(policy.spec.matchConstraints, {
      resourceRules: [
        { ...rule, operations: ["UPDATE"], resources: ["pods/status"] },
        { ...rule, operations: ["CREATE"], resources: ["pods/binding", "bindings"] },
      ],
    });
  });

  test("refuses, also if it cannot be evaluated, but only requests that change podrole's annotations", () => {
    assertRefuses([policy, binding]);
    assert.equal(policy.spec.matchConditions?.length, 1);
  });

  test("is left out of the chart before Kubernetes 1.30, and with admissionPolicy.enabled: false", () => {
    const [first] = readText("manifests/chart/templates/pod-status-policy.yaml").split("\n");
    assert.equal(
      first,
      '{{- if and .Values.admissionPolicy.enabled (not .Values.try.enabled) (semverCompare ">=1.30.0-0" .Capabilities.KubeVersion.Version) }}',
    );
  });
});
