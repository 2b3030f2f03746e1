import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { KubernetesObject } from "../../../../src/operations/manifests/parse-objects.ts";
import { takeInventory } from "../../../../src/operations/migrate/input/inventory.ts";

const spec = { containers: [{ name: "app" }] };
const owned = (kind: string, name: string) => [{ kind, name, controller: true }];

function pod(name: string, more: Partial<KubernetesObject["metadata"]> = {}, phase = "Running"): KubernetesObject {
  return { kind: "Pod", metadata: { namespace: "shop", name, ...more }, spec, status: { phase } };
}

const names = (objects: readonly KubernetesObject[]) =>
  takeInventory(objects).workloads.map(({ kind, name, instances }) => {
    return `${kind}/${name} ${instances.reduce((sum, { count }) => sum + count, 0)}`;
  });

suite("takeInventory()", () => {
  for (const [what, objects, expected] of [
    ["a pod without an owner", [pod("bare")], ["Pod/bare 1"]],
    [
      "pods of a Deployment by the name of their ReplicaSet",
      ["a", "b"].map((suffix) =>
        pod(`web-7d9f-${suffix}`, {
          labels: { "pod-template-hash": "7d9f" },
          ownerReferences: owned("ReplicaSet", "web-7d9f"),
        }),
      ),
      ["Deployment/web 2"],
    ],
    [
      "a ReplicaSet without an owner",
      [pod("web-x", { ownerReferences: owned("ReplicaSet", "web") })],
      ["ReplicaSet/web 1"],
    ],
    [
      "pods of a Rollout by their ReplicaSet's owner",
      [
        pod("web-1", { ownerReferences: owned("ReplicaSet", "web-1") }),
        {
          kind: "ReplicaSet",
          metadata: { namespace: "shop", name: "web-1", ownerReferences: owned("Rollout", "web") },
          spec: { template: { spec } },
        },
      ],
      ["Rollout/web 1"],
    ],
    [
      "pods of a CronJob by the name of their Job",
      [pod("night-28912345-x", { ownerReferences: owned("Job", "night-28912345") })],
      ["CronJob/night 1"],
    ],
    ["a Job without an owner", [pod("once-x", { ownerReferences: owned("Job", "once") })], ["Job/once 1"]],
    [
      "a manifest by its replicas, at least one",
      [
        { kind: "Deployment", metadata: { name: "web" }, spec: { replicas: 3, template: { spec } } },
        { kind: "Deployment", metadata: { name: "idle" }, spec: { replicas: 0, template: { spec } } },
        { kind: "CronJob", metadata: { name: "night" }, spec: { jobTemplate: { spec: { template: { spec } } } } },
      ],
      ["CronJob/night 1", "Deployment/idle 1", "Deployment/web 3"],
    ],
    [
      "live pods rather than their template",
      [
        { kind: "DaemonSet", metadata: { namespace: "shop", name: "agent" }, spec: { template: { spec } } },
        pod("agent-a", { ownerReferences: owned("DaemonSet", "agent") }),
        pod("agent-b", { ownerReferences: owned("DaemonSet", "agent") }),
      ],
      ["DaemonSet/agent 2"],
    ],
    ["no pod that has terminated", [pod("done", {}, "Succeeded"), pod("failed", {}, "Failed")], []],
  ] as const) {
    test(`counts ${what}`, () => assert.deepEqual(names(objects as readonly KubernetesObject[]), expected));
  }

  test("lists namespaces that only pods name as unknown", () => {
    const known = { kind: "Namespace", metadata: { name: "known", annotations: { a: "b" } } };
    const { namespaces } = takeInventory([known, pod("bare")]);
    assert.deepEqual(
      [...namespaces.values()].map(({ name, isKnown }) => [name, isKnown]),
      [
        ["known", true],
        ["shop", false],
      ],
    );
  });

  test("reports what cannot be read as a pod, and continues", () => {
    const broken = { kind: "Pod", metadata: { name: "broken" }, spec: { containers: [{}] } };
    const { problems, workloads } = takeInventory([broken, pod("bare")]);
    assert.deepEqual(problems, ["Pod broken: spec.containers[0].name is missing; expected a string"]);
    assert.equal(workloads.length, 1);
  });
});

for (const [what, object, problem] of [
  [
    "namespace",
    pod("web", { namespace: "--all" }),
    /^Pod web: namespace is "--all"; expected a valid Kubernetes name$/,
  ],
  [
    "ServiceAccount",
    { ...pod("web"), spec: { ...spec, serviceAccountName: "--all" } },
    /^Pod web: serviceAccountName is "--all"; expected a valid Kubernetes name$/,
  ],
] as const) {
  test(`takeInventory() leaves out pods whose ${what} would be a flag in a printed command`, () => {
    const { workloads, problems } = takeInventory([object]);
    assert.deepEqual(workloads, []);
    assert.match(problems.join(), problem);
  });
}
