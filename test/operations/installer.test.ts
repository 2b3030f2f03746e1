import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { type InstalledBy, installerOf, registerStep, undoSteps } from "../../src/operations/installer.ts";
import { partsOfStep } from "../../src/operations/next-steps.ts";

const RELEASE = { "meta.helm.sh/release-name": "iam", "meta.helm.sh/release-namespace": "podrole" };
const named = (metadata: object) => ({ metadata: { name: "podrole-server", namespace: "podrole", ...metadata } });

suite("installerOf()", () => {
  for (const [what, objects, expected] of [
    ["a release of Helm", [named({ annotations: RELEASE })], { by: "helm", release: "iam", namespace: "podrole" }],
    [
      "a chart that another tool applied",
      [named({ labels: { "app.kubernetes.io/managed-by": "Helm" } })],
      { by: "rendered" },
    ],
    ["a try installation", [named({ labels: { "podrole.io/try": "true" } })], { by: "try" }],
    ["the manifests", [named({})], { by: "manifests" }],
    ["nothing", [], undefined],
  ] as const) {
    test(`recognizes ${what}`, () => assert.deepEqual(installerOf(objects), expected));
  }
});

suite("registerStep()", () => {
  const helm: InstalledBy = { by: "helm", release: "iam", namespace: "podrole" };

  test("creates what is missing of a release of Helm", () => {
    const { command, purpose } = partsOfStep(registerStep(helm));
    assert.equal(command, "helm get manifest iam -n podrole | kubectl apply -n podrole -f -");
    assert.match(
      purpose,
      /^creates what is missing of the release: caBundle is empty in it, and podrole-server fills it/,
    );
  });

  test("applies the manifests of other installations", () => {
    const file = /^kubectl apply -f manifests\/base\/webhook-configuration\.yaml/;
    for (const installer of [undefined, { by: "manifests" }, { by: "rendered" }] as const) {
      assert.match(registerStep(installer), file);
    }
    assert.match(registerStep({ by: "try" }), /^kubectl apply -k manifests\/overlays\/try {2}# in the sources of the/);
  });

  test("undoSteps() show the revisions of a release of Helm, and roll back to the one before", () => {
    const place = { namespace: "podrole", name: "podrole-server" };
    assert.deepEqual(
      undoSteps(helm, place).map((step) => partsOfStep(step).command),
      ["helm history iam -n podrole", "helm rollback iam -n podrole"],
    );
  });

  test("undoSteps() name the revision of a Deployment and its image, or show the revisions if it is unknown", () => {
    const place = { namespace: "podrole", name: "podrole-server" };
    assert.deepEqual(undoSteps(undefined, { ...place, former: { revision: 3, image: "registry.example/server:1" } }), [
      "kubectl -n podrole rollout undo deployment/podrole-server --to-revision=3  # back to revision 3 with image registry.example/server:1",
    ]);
    const [look = "", undo = ""] = undoSteps(undefined, place);
    assert.match(look, /^kubectl -n podrole rollout history deployment\/podrole-server {2}# /);
    assert.match(undo, /--to-revision=REVISION {2}# REVISION: /);
  });
});
