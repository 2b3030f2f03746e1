import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { type InstalledBy, installerOf, registerStep, undoStep } from "../../src/operations/installer.ts";

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
    const step =
      "helm get manifest iam -n podrole | kubectl apply -n podrole -f -  # creates what is missing of the release";
    assert.equal(registerStep(helm), step);
  });

  test("applies the manifests of other installations", () => {
    const file = /^kubectl apply -f manifests\/base\/webhook-configuration\.yaml/;
    for (const installer of [undefined, { by: "manifests" }, { by: "rendered" }] as const) {
      assert.match(registerStep(installer), file);
    }
    assert.equal(registerStep({ by: "try" }), "kubectl apply -k manifests/overlays/try");
  });

  test("undoStep() rolls back a release of Helm, or a Deployment", () => {
    const place = { namespace: "podrole", name: "podrole-server" };
    assert.equal(undoStep(helm, place), "helm rollback iam -n podrole");
    assert.equal(undoStep(undefined, place), "kubectl -n podrole rollout undo deployment/podrole-server");
  });
});
