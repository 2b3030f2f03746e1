import assert from "node:assert/strict";
import { test } from "node:test";
import { kubeletOf, olderKubelets } from "../../src/kubernetes/kubelets.ts";

for (const [version, isOlder] of [
  ["v1.37.0", false],
  ["v1.37.2-eks-1a2b3c4", false],
  ["v1.37.0-alpha.1", false],
  ["v1.38.1+k3s1", false],
  ["v1.100.0", false],
  ["v2.0.0", false],
  ["v1.36.9", true],
  ["v1.9.37", true],
  ["v0.37.0", true],
  ["", true],
  ["latest", true],
] as const) {
  test(`olderKubelets() ${isOlder ? "returns" : "leaves out"} a kubelet of version ${JSON.stringify(version)}`, () => {
    const kubelet = kubeletOf({ metadata: { name: "node-1" }, status: { nodeInfo: { kubeletVersion: version } } });
    assert.deepEqual(olderKubelets([kubelet]), isOlder ? [kubelet] : []);
  });
}

test("olderKubelets() leaves out nodes that run no new pods, and returns one that has not reported a version yet", () => {
  const cordoned = kubeletOf({ metadata: { name: "cordoned" }, spec: { unschedulable: true } });
  const joining = kubeletOf({ metadata: { name: "joining" } });
  assert.deepEqual(
    olderKubelets([cordoned, joining]).map(({ node }) => node),
    ["joining"],
  );
});
