import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { type InstalledBy, installerOf, registerStep, undoSteps } from "../../src/operations/installer.ts";
import { partsOfStep } from "../../src/operations/step-parts.ts";
import { VERSION } from "../../src/runtime/version.ts";

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
    const { command, purpose } = partsOfStep(registerStep({ installer: helm, version: "0.1.0" }));
    assert.equal(command, "helm get manifest iam -n podrole | kubectl apply -n podrole -f -");
    assert.match(
      purpose,
      /^creates what is missing of the release, podrole 0\.1\.0: caBundle is empty in it, and podrole-server fills it/,
    );
  });

  test("needs no sources for other installations, and names podrole's namespace unless it is the usual one", () => {
    for (const installer of [undefined, { by: "manifests" }, { by: "rendered" }] as const) {
      const { command } = partsOfStep(registerStep({ installer, namespace: "podrole" }));
      assert.equal(command, "podrole check --print-webhook | kubectl apply -f -");
    }
    const { command } = partsOfStep(registerStep({ namespace: "iam" }));
    assert.equal(command, "podrole check --print-webhook --podrole-namespace iam | kubectl apply -f -");
    assert.match(
      registerStep({ installer: { by: "try" }, version: "0.1.0" }),
      /^kubectl apply -k manifests\/overlays\/try {2}# in the sources of podrole 0\.1\.0: /,
    );
  });

  test("names the installed version, and the command line's if it is another one", () => {
    const purpose = (version?: string) => partsOfStep(registerStep({ version })).purpose;
    assert.ok(purpose(VERSION).startsWith(`registers the webhook of podrole ${VERSION}, the installed version: `));
    assert.match(purpose("0.0.9"), /the version of this command line; 0\.0\.9 is installed: use the command line of /);
    assert.match(purpose(), /the version of this command line: caBundle is empty/);
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
