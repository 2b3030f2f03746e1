// A label that any author can set does not open podrole's names to them.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { plan } from "../../src/injection/plan.ts";
import type { Pod, PodSpec } from "../../src/kubernetes/objects.ts";
import { injectedPod, podIn } from "./injected-pod.ts";
import { PLAN_SETTINGS } from "./plan-settings.ts";
import { inShop } from "./pods.ts";

const ROLE = { "iam.amazonaws.com/role": "shop-a" };
const labelledPod = (spec: Partial<PodSpec>): Pod => ({
  metadata: { name: "app", labels: { "podrole.io/injected": "true" }, annotations: ROLE },
  spec: { containers: [{ name: "app", image: "app" }], ...spec },
});

const injected = () => injectedPod({ name: "app", annotations: ROLE });

suite("NAME_RESERVED: plan() refuses a pod whose author set the label of injection and brings", () => {
  const cases: readonly (readonly [string, Pod, RegExp])[] = [
    [
      "a privileged podrole-sidecar",
      labelledPod({
        initContainers: [{ name: "podrole-sidecar", image: "mine", securityContext: { privileged: true } }],
      }),
      /"podrole-sidecar" does not run podrole's command/,
    ],
    [
      "a folder of the node as podrole-identity",
      labelledPod({ volumes: [{ name: "podrole-identity", hostPath: { path: "/etc" } }] }),
      /volume "podrole-identity" is of another kind/,
    ],
    [
      "a container that mounts the pod's key",
      {
        ...injected(),
        spec: {
          ...injected().spec,
          containers: [{ name: "app", volumeMounts: [{ name: "podrole-identity", mountPath: "/keys" }] }],
        },
      },
      /container "app" mounts the volume "podrole-identity"/,
    ],
    [
      "another image in podrole-sidecar",
      {
        ...injected(),
        spec: {
          ...injected().spec,
          initContainers: [
            { ...injected().spec.initContainers?.[0], name: "podrole-sidecar", image: "r.example/mine:1" },
          ],
        },
      },
      /"podrole-sidecar" runs the image "r\.example\/mine:1"/,
    ],
    [
      "podrole-sidecar many times, each as injection makes it",
      {
        ...injected(),
        spec: {
          ...injected().spec,
          initContainers: Array.from({ length: 900 }, () => (injected().spec.initContainers ?? []).slice(0, 1)).flat(),
        },
      },
      /the pod has several containers "podrole-sidecar"/,
    ],
  ];
  for (const [what, pod, message] of cases) {
    test(what, () => {
      const planned = plan(inShop(pod), PLAN_SETTINGS);
      assert.deepEqual([planned.decision, planned.reason], ["refuse", "NAME_RESERVED"]);
      assert.match(planned.message, message);
    });
  }
});

test("plan() completes a pod that has the label and none of podrole's parts", () => {
  const planned = plan(inShop(labelledPod({})), PLAN_SETTINGS);
  assert.deepEqual([planned.decision, planned.reason], ["inject", "INJECTED"]);
  assert.equal(plan(inShop(podIn(planned)), PLAN_SETTINGS).reason, "ALREADY_INJECTED");
});

test("plan() accepts an injected pod that has lost the label", () => {
  const { labels: _labels, ...metadata } = injected().metadata;
  assert.equal(plan(inShop({ ...injected(), metadata }), PLAN_SETTINGS).decision, "inject");
});
