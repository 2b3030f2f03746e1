import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { strayRoles, templatesOf } from "../../../src/operations/manifests/templates.ts";

const template = {
  metadata: { annotations: { "iam.amazonaws.com/role": "shop-a" } },
  spec: { containers: [{ name: "app", image: "busybox" }] },
};
const annotated = { annotations: { "iam.amazonaws.com/role": "shop-a" } };

const OBJECTS: readonly (readonly [
  what: string,
  object: Parameters<typeof templatesOf>[0],
  paths: readonly string[],
  stray: readonly string[],
])[] = [
  ["a Deployment", { apiVersion: "apps/v1", kind: "Deployment", spec: { template } }, ["spec.template"], []],
  [
    "a CronJob",
    { apiVersion: "batch/v1", kind: "CronJob", spec: { jobTemplate: { spec: { template } } } },
    ["spec.jobTemplate.spec.template"],
    [],
  ],
  ["an item of a list, without a group", { kind: "StatefulSet", spec: { template } }, ["spec.template"], []],
  ["a core PodTemplate", { apiVersion: "v1", kind: "PodTemplate", template }, ["template"], []],
  [
    "an Argo Rollout",
    { apiVersion: "argoproj.io/v1alpha1", kind: "Rollout", spec: { template } },
    ["spec.template"],
    [],
  ],
  [
    "a KEDA ScaledJob",
    { apiVersion: "keda.sh/v1alpha1", kind: "ScaledJob", spec: { jobTargetRef: { template } } },
    ["spec.jobTargetRef.template"],
    [],
  ],
  [
    "a Job of Volcano, which has several",
    { apiVersion: "batch.volcano.sh/v1alpha1", kind: "Job", spec: { tasks: [{ template }, { template }] } },
    ["spec.tasks.0.template", "spec.tasks.1.template"],
    [],
  ],
  [
    "a Knative Service, whose pods may have no sidecar of its author's",
    { apiVersion: "serving.knative.dev/v1", kind: "Service", spec: { template } },
    [],
    ["spec.template.metadata.annotations"],
  ],
  [
    "a SparkApplication, which has no pod template",
    { apiVersion: "sparkoperator.k8s.io/v1beta2", kind: "SparkApplication", spec: { driver: annotated } },
    [],
    ["spec.driver.annotations"],
  ],
  [
    "an Argo Workflow, which has containers without a pod template",
    {
      apiVersion: "argoproj.io/v1alpha1",
      kind: "Workflow",
      spec: { podMetadata: annotated, templates: [{ name: "a", metadata: annotated, container: { image: "x" } }] },
    },
    [],
    ["spec.podMetadata.annotations", "spec.templates.0.metadata.annotations"],
  ],
  [
    "an operator's resource with containers of its own",
    { apiVersion: "monitoring.coreos.com/v1", kind: "Prometheus", spec: { podMetadata: annotated, ...template.spec } },
    [],
    ["spec.podMetadata.annotations"],
  ],
  [
    "a policy with a pattern of pods",
    {
      apiVersion: "kyverno.io/v1",
      kind: "ClusterPolicy",
      spec: { rules: [{ mutate: { patch: { spec: { template } } } }] },
    },
    [],
    ["spec.rules.0.mutate.patch.spec.template.metadata.annotations"],
  ],
  [
    "a Deployment whose annotation is in the wrong place",
    { apiVersion: "apps/v1", kind: "Deployment", metadata: annotated, spec: { template: { spec: template.spec } } },
    ["spec.template"],
    ["metadata.annotations"],
  ],
  ["a ServiceAccount with a role", { apiVersion: "v1", kind: "ServiceAccount", metadata: annotated }, [], []],
  ["a status", { apiVersion: "x/v1", kind: "X", status: { template } }, [], []],
  ["a Service", { apiVersion: "v1", kind: "Service", spec: { ports: [] } }, [], []],
];

suite("templatesOf() and strayRoles()", () => {
  for (const [what, object, paths, stray] of OBJECTS) {
    test(`finds in ${what} ${paths.join(" and ") || "no template"}, and ${stray.length} other role annotations`, () => {
      assert.deepEqual(
        templatesOf(object).map(({ path }) => path.join(".")),
        paths,
      );
      assert.deepEqual(strayRoles(object), stray);
    });
  }
});
