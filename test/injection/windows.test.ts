// A pod of Windows is known by every way in which its author can choose such nodes.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { plan } from "../../src/injection/plan.ts";
import type { PodSpec } from "../../src/kubernetes/objects.ts";
import { PLAN_SETTINGS } from "./plan-settings.ts";
import { inShop } from "./pods.ts";

const ROLE = { "iam.amazonaws.com/role": "shop-a" };

const affinity = (...terms: readonly object[]) => ({
  affinity: {
    nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: terms } },
  },
});
const os = (operator: string, ...values: readonly string[]) => ({
  matchExpressions: [{ key: "kubernetes.io/os", operator, values }],
});
const gmsa = { windowsOptions: { gmsaCredentialSpecName: "orders" } };

const cases: readonly (readonly [string, Partial<PodSpec>, boolean])[] = [
  ["spec.os", { os: { name: "windows" } }, true],
  ["the label of nodes", { nodeSelector: { "kubernetes.io/os": "windows" } }, true],
  ["the label's earlier name", { nodeSelector: { "beta.kubernetes.io/os": "windows" } }, true],
  ["the label of a build", { nodeSelector: { "node.kubernetes.io/windows-build": "10.0.20348" } }, true],
  ["a required affinity", affinity(os("In", "windows")), true],
  ["every term of a required affinity", affinity(os("In", "windows"), os("In", "windows")), true],
  ["options of the pod", { securityContext: gmsa }, true],
  ["options of a container", { containers: [{ name: "app", securityContext: gmsa }] }, true],
  ["one of two terms", affinity(os("In", "windows"), { matchExpressions: [] }), false],
  ["a term for both systems", affinity(os("In", "windows", "linux")), false],
  ["an affinity against Windows", affinity(os("NotIn", "windows")), false],
  ["no term", affinity(), false],
  ["an affinity that is only preferred", { affinity: { nodeAffinity: {} } }, false],
  ["options in a pod of Linux", { os: { name: "linux" }, securityContext: gmsa }, false],
  ["options in a pod of Linux nodes", { nodeSelector: { "kubernetes.io/os": "linux" }, securityContext: gmsa }, false],
  ["empty options", { securityContext: { windowsOptions: {} } }, false],
  ["an affinity of another shape", { affinity: "windows" }, false],
];

suite("runsOnWindows() of a pod with", () => {
  for (const [what, spec, expected] of cases) {
    test(`${what}: ${expected ? "yes" : "no"}`, () => {
      const pod = { metadata: { annotations: ROLE }, spec: { containers: [{ name: "app" }], ...spec } };
      const { reason, warnings } = plan(inShop(pod), PLAN_SETTINGS);
      assert.equal(reason, expected ? "WINDOWS" : "INJECTED");
      assert.deepEqual(
        warnings.map(({ code }) => code),
        expected ? ["ROLE_IGNORED"] : [],
      );
    });
  }
});
