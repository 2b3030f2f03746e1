// The policy on PriorityClass podrole: it agrees with the objects it is about, and the component for older clusters
// removes it.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { parse } from "yaml";
import { ROOT, readManifest, readText } from "../files.ts";
import { assertRefuses, type PolicyObject, readPolicy } from "./admission-policies.ts";

const policies = readdirSync(join(ROOT, "manifests/base"))
  .flatMap((file) => readManifest<PolicyObject>(`base/${file}`))
  .filter(({ kind }) => kind.startsWith("ValidatingAdmissionPolicy"));

suite("ValidatingAdmissionPolicy podrole-priority-class", () => {
  const [policy, binding] = readPolicy("priority-class-policy.yaml");
  const [priorityClass] = readManifest<PolicyObject>("base/priority-class.yaml");
  const [namespace] = readManifest<PolicyObject>("base/namespace.yaml");

  test("names the PriorityClass of base, and every namespace but podrole's", () => {
    const name = priorityClass?.metadata.name;
    assert.deepEqual(
      policy.spec.matchConditions?.map(({ expression }) => expression),
      [`has(object.spec.priorityClassName) && object.spec.priorityClassName == '${name}'`],
    );
    const own = { key: "kubernetes.io/metadata.name", operator: "NotIn", values: [namespace?.metadata.name] };
    assert.deepEqual(policy.spec.matchConstraints?.namespaceSelector, { matchExpressions: [own] });
  });

  test("refuses the creation of such a pod, also if it cannot be evaluated", () => {
    const { resourceRules } = policy.spec.matchConstraints ?? { resourceRules: [] };
    assert.deepEqual(
      resourceRules.map(({ operations, resources }) => [operations, resources]),
      [[["CREATE"], ["pods"]]],
    );
    assertRefuses([policy, binding]);
  });

  test("is in the chart only together with the PriorityClass", () => {
    const template = readText("manifests/chart/templates/priority-class-policy.yaml");
    assert.match(
      template,
      /^{{- if and .Values.admissionPolicy.enabled \(not .Values.try.enabled\) .Values.priorityClass.create \(semverCompare/,
    );
    assert.match(template, /priorityClassName == '{{ .Values.priorityClass.name }}'/);
  });
});

test("components/without-admission-policy removes every policy of base, with its binding", () => {
  const component = parse(readText("manifests/components/without-admission-policy/kustomization.yaml")) as {
    patches: { target: { kind: string; name: string }; patch: string }[];
  };
  const removed = component.patches.map(({ target }) => `${target.kind} ${target.name}`);
  assert.deepEqual(removed.toSorted(), policies.map(({ kind, metadata }) => `${kind} ${metadata.name}`).toSorted());
  for (const { target, patch } of component.patches) {
    const { $patch, kind, metadata } = parse(patch) as { $patch: string; kind: string; metadata: { name: string } };
    assert.deepEqual([$patch, kind, metadata.name], ["delete", target.kind, target.name]);
  }
});
