// What the commands of an answer require, and how one sees that they helped.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { completeAnswer, requirementsOf } from "../../src/operations/answer.ts";
import { labelStep, proofOf, restartWorkloadSteps } from "../../src/operations/next-steps.ts";

suite("requirementsOf()", () => {
  for (const [what, steps, expected] of [
    ["commands that only read", ["kubectl -n shop describe pod orders", "podrole check --quiet"], undefined],
    [
      "an object of the cluster",
      [labelStep("shop")],
      /^the right to patch namespaces \(kubectl auth can-i --list shows/,
    ],
    [
      "a bare pod",
      restartWorkloadSteps({ namespace: "shop", pod: "orders", workload: "Pod/orders" }),
      /^the right to delete and create pods in namespace shop \(kubectl auth can-i --list -n shop shows yours\)$/,
    ],
    [
      "a rollout",
      restartWorkloadSteps({ namespace: "shop", pod: "orders-1", workload: "Deployment/orders" }),
      /^the right to patch deployments in .*; room in the namespace's quotas for one more pod during the rollout$/,
    ],
    ["a role of AWS", ["aws iam get-role --role-name x"], /^credentials of that account that permit iam:GetRole /],
    ["jq", ["podrole status -A -o json | jq -r '.'"], /^the program jq$/],
    [
      "an object that a source may apply",
      ["kubectl -n shop edit deployment/orders  # corrects it"],
      /; if Git, Helm or an operator is the source of deployment\/orders, change it there instead/,
    ],
    [
      "the webhook",
      ["podrole check --print-webhook | kubectl apply -f -"],
      /^the right to create and patch mutatingwebhookconfigurations \(.*source of podrole's webhook configuration, /,
    ],
  ] as const) {
    test(`names what is required for ${what}`, () => {
      const text = requirementsOf(steps);
      if (expected === undefined) assert.equal(text, undefined);
      else assert.match(text ?? "", expected);
    });
  }
});

suite("completeAnswer()", () => {
  const object = { namespace: "shop", kind: "deployment", name: "orders" };

  test("adds what the commands require and how one sees that they helped", () => {
    const { requires, verify } = completeAnswer({ cause: "x", steps: [labelStep("shop")] }, object);
    assert.match(requires ?? "", /patch namespaces/);
    assert.equal(verify, proofOf(object));
  });

  test("leaves a diagnosis without commands as it is, and keeps its own proof", () => {
    assert.deepEqual(completeAnswer({ cause: "x", steps: [] }, object), { cause: "x", steps: [] });
    assert.equal(completeAnswer({ cause: "x", verify: "y", steps: ["podrole check"] }, object).verify, "y");
  });
});

test("proofOf() names a command that an operator can run", () => {
  assert.match(
    proofOf({ namespace: "shop", kind: "pod", name: "a" }),
    /^podrole explain pod\/a -n shop shows no cause/,
  );
  assert.match(
    proofOf({ namespace: "shop", kind: "deployment", name: "a" }),
    /^kubectl -n shop rollout status deployment\/a/,
  );
  assert.match(
    proofOf({ namespace: "shop", kind: "job", name: "a" }),
    /^podrole status -n shop shows its pods as ready$/,
  );
  assert.match(
    proofOf({ namespace: "shop", kind: "pod", name: "a", file: "a b.yaml" }),
    /^podrole explain -f 'a b.yaml' /,
  );
});
