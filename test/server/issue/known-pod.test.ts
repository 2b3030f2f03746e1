import assert from "node:assert/strict";
import { test } from "node:test";
import { knownPodOf } from "../../../src/server/issue/known-pod.ts";
import { injectedPod } from "../../injection/injected-pod.ts";

test("knownPodOf() keeps what decisions read of an injected pod", () => {
  const { facts, uninjected } = knownPodOf(injectedPod(), {});
  assert.equal(uninjected, undefined);
  assert.deepEqual([facts.containers, Object.keys(facts.annotations)], [["app"], ["iam.amazonaws.com/role"]]);
});

test("knownPodOf() keeps less than 1 KiB of a pod that is not injected, whatever it contains", () => {
  const pod = injectedPod();
  for (let index = 0; index < 12_000; index++) pod.spec.containers.push({ name: `${"c".repeat(50)}${index}` });
  Object.assign(pod.metadata.annotations ?? {}, { "iam.amazonaws.com/session-name": "n".repeat(16_000) });
  for (const large of [pod, { ...pod, spec: { ...pod.spec, hostNetwork: true } }]) {
    const known = knownPodOf(large, { pinRoles: true });
    assert.ok(known.uninjected);
    assert.ok(JSON.stringify(known).length < 1024, JSON.stringify(known).slice(0, 2_000));
  }
});

test("knownPodOf() keeps the node and the restarts of podrole-sidecar, in native and in classic mode", () => {
  const pod = injectedPod();
  assert.deepEqual([knownPodOf(pod, {}).node, knownPodOf(pod, {}).sidecarRestarts], [undefined, undefined]);
  const statuses = [
    { name: "app", restartCount: 9 },
    { name: "podrole-sidecar", restartCount: 2 },
  ];
  const spec = { ...pod.spec, nodeName: "node-1" };
  for (const list of ["initContainerStatuses", "containerStatuses"]) {
    const { node, sidecarRestarts } = knownPodOf({ ...pod, spec, status: { [list]: statuses } }, {});
    assert.deepEqual([node, sidecarRestarts], ["node-1", 2]);
  }
  const odd = { ...pod, status: { containerStatuses: "x", initContainerStatuses: [null] } };
  assert.equal(knownPodOf(odd, {}).sidecarRestarts, undefined);
});
