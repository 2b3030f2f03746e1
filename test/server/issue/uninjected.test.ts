import assert from "node:assert/strict";
import { test } from "node:test";
import type { Pod } from "../../../src/kubernetes/objects.ts";
import { whyUninjected } from "../../../src/server/issue/uninjected.ts";
import { injectedPod } from "../../injection/injected-pod.ts";

/** Adds containers until the pod has `count`, without podrole's own. */
function addContainers(pod: Pod, count: number): void {
  const { containers } = pod.spec;
  while (containers.length < count) containers.push({ name: `c${containers.length}` });
}

for (const [what, change, expected] of [
  ["an injected pod", () => {}, undefined],
  ["an injected pod without the label", (pod: Pod) => delete pod.metadata.labels, undefined],
  ["a pod without podrole-sidecar", (pod: Pod) => (pod.spec.initContainers = []), /no container podrole-sidecar/],
  ["a pod without podrole's volumes", (pod: Pod) => (pod.spec.volumes = []), /no volume podrole-proof/],
  [
    "another container of that name",
    (pod: Pod) => (pod.spec.initContainers = [{ name: "podrole-sidecar" }]),
    /command/,
  ],
  ["a pod on its node's network", (pod: Pod) => (pod.spec.hostNetwork = true), /HOST_NETWORK/],
  ["a pod of 1000 containers", (pod: Pod) => addContainers(pod, 1_000), undefined],
  ["a pod of more than 1000 containers", (pod: Pod) => addContainers(pod, 1_001), /it has 1001 containers/],
  [
    "a pod that opts out",
    (pod: Pod) => Object.assign(pod.metadata.annotations ?? {}, { "podrole.io/inject": "disabled" }),
    /INJECTION_DISABLED/,
  ],
] as const) {
  test(`whyUninjected() ${expected === undefined ? "accepts" : "refuses"} ${what}`, () => {
    const pod = injectedPod();
    change(pod);
    const why = whyUninjected(pod);
    if (expected === undefined) assert.equal(why, undefined);
    else assert.match(why ?? "", expected);
  });
}
