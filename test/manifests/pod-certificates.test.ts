// The component for pod certificates, from which the chart generates its template.
import assert from "node:assert/strict";
import { test } from "node:test";
import { POD_SIGNER_NAME } from "../../src/protocol/pod-certificates.ts";
import { SERVER_SETTINGS } from "../../src/settings/server.ts";
import { WEBHOOK_SETTINGS } from "../../src/settings/webhook.ts";
import { readManifest, readText } from "../files.ts";
import type { PolicyObject } from "./admission-policies.ts";

interface Role {
  readonly kind: string;
  readonly rules?: readonly {
    readonly apiGroups: readonly string[];
    readonly resources: readonly string[];
    readonly resourceNames?: readonly string[];
    readonly verbs: readonly string[];
  }[];
}

const objects = readManifest<Role & PolicyObject>("components/pod-certificates/objects.yaml");
const find = (kind: string) => objects.find((object) => object.kind === kind) ?? assert.fail(kind);

test("the policy refuses requests for podrole's signer of everybody but the pod's node", () => {
  const { spec, metadata } = find("ValidatingAdmissionPolicy");
  assert.equal(spec.failurePolicy, "Fail");
  assert.deepEqual(
    spec.matchConditions?.map(({ expression }) => expression),
    [`object.spec.signerName == '${POD_SIGNER_NAME}'`],
  );
  assert.deepEqual(
    spec.validations?.map(({ expression }) => expression),
    ["'system:nodes' in request.userInfo.groups && request.userInfo.username == 'system:node:' + object.spec.nodeName"],
  );
  const [rule, ...others] = spec.matchConstraints?.resourceRules ?? [];
  assert.deepEqual([rule?.operations, rule?.resources, others], [["CREATE"], ["podcertificaterequests"], []]);
  const binding = find("ValidatingAdmissionPolicyBinding").spec;
  assert.deepEqual([binding.policyName, binding.validationActions], [metadata.name, ["Deny"]]);
});

test("the server may sign for podrole's signer alone", () => {
  const rules = find("ClusterRole").rules ?? [];
  const signing = rules.filter(({ verbs }) => verbs.includes("sign"));
  assert.deepEqual(signing, [
    {
      apiGroups: ["certificates.k8s.io"],
      resources: ["signers"],
      resourceNames: [POD_SIGNER_NAME],
      verbs: ["sign", "attest"],
    },
  ]);
  const creating = rules.filter(({ verbs }) => verbs.includes("create"));
  assert.deepEqual(
    creating.flatMap(({ resources }) => resources),
    ["clustertrustbundles"],
  );
  assert.ok(rules.every(({ verbs }) => !verbs.includes("*")));
});

test("the component and the chart's value switch pod certificates on, which are off by default", () => {
  for (const table of [SERVER_SETTINGS, WEBHOOK_SETTINGS]) assert.equal(table.podCertificates.default, "off");
  const kustomization = readText("manifests/components/pod-certificates/kustomization.yaml");
  for (const program of ["server", "webhook"]) {
    assert.match(kustomization, new RegExp(`name: podrole-${program},.*literals: \\[PODROLE_POD_CERTIFICATES=on\\]`));
  }
  const [first] = readText("manifests/chart/templates/pod-certificates.yaml").split("\n");
  assert.equal(first, "{{- if .Values.podCertificates.enabled }}");
});

test("the component and the chart's value for auto set both programs to auto, and grant the server to list nodes", () => {
  const kustomization = readText("manifests/components/pod-certificates-auto/kustomization.yaml");
  for (const program of ["server", "webhook"]) {
    assert.match(kustomization, new RegExp(`name: podrole-${program},.*literals: \\[PODROLE_POD_CERTIFICATES=auto\\]`));
  }
  const [role] = readManifest<Role>("components/pod-certificates-auto/objects.yaml");
  assert.deepEqual(role?.rules, [{ apiGroups: [""], resources: ["nodes"], verbs: ["list"] }]);
  const [first] = readText("manifests/chart/templates/pod-certificates-auto.yaml").split("\n");
  assert.equal(first, "{{- if and .Values.podCertificates.enabled .Values.podCertificates.auto }}");
});
