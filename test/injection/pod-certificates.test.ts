// Injection with pod certificates: the other form of the proof, and what recognises, refreshes and removes it.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { isInjected } from "../../src/injection/parts.ts";
import { type PlanSettings, plan } from "../../src/injection/plan.ts";
import { areProofSources, hasPodCertificate } from "../../src/injection/pod-certificates.ts";
import { uninject } from "../../src/injection/uninject.ts";
import type { Pod, Volume } from "../../src/kubernetes/objects.ts";
import { readSettings } from "../../src/runtime/settings.ts";
import { findProofProblems, SIDECAR_SETTINGS } from "../../src/sidecar/settings.ts";
import { podIn } from "./injected-pod.ts";
import { PLAN_SETTINGS } from "./plan-settings.ts";

const ON: PlanSettings = { ...PLAN_SETTINGS, podCertificates: true };
const POD: Pod = {
  metadata: { name: "web", namespace: "shop", annotations: { "iam.amazonaws.com/role": "orders" } },
  spec: { containers: [{ name: "app", image: "shop/app:1" }] },
};

function planned(pod: Pod, settings: PlanSettings, annotation?: string) {
  const annotations = {
    "iam.amazonaws.com/permitted": ".*",
    ...(annotation !== undefined && { "podrole.io/pod-certificates": annotation }),
  };
  const namespace = { name: "shop", labels: { "podrole.io/inject": "enabled" }, annotations };
  return plan({ pod, namespace, serviceAccountAnnotations: {} }, settings);
}

const proofOf = (pod: Pod): Volume => pod.spec.volumes?.find(({ name }) => name === "podrole-proof") ?? { name: "" };
const sidecarOf = (pod: Pod) => [...(pod.spec.initContainers ?? []), ...pod.spec.containers].find(isSidecar);
const isSidecar = ({ name }: { readonly name: string }) => name === "podrole-sidecar";
const variablesOf = (pod: Pod) =>
  Object.fromEntries((sidecarOf(pod)?.env ?? []).map(({ name, value = "" }) => [name, value]));

suite("plan() with pod certificates", () => {
  const injected = podIn(planned(POD, ON));

  test("mounts a certificate of podrole's signer and the trust bundle, and no token", () => {
    assert.deepEqual(proofOf(injected)["projected"], {
      sources: [
        {
          podCertificate: {
            signerName: "podrole.io/pod",
            keyType: "ECDSAP256",
            credentialBundlePath: "credentials.pem",
          },
        },
        { clusterTrustBundle: { signerName: "podrole.io/pod", labelSelector: {}, path: "bundle.pem" } },
      ],
    });
  });

  for (const nativeSidecar of [true, false]) {
    test(`sets what the sidecar's settings require, ${nativeSidecar ? "native" : "classic"}`, () => {
      const env = variablesOf(podIn(planned(POD, { ...ON, nativeSidecar })));
      assert.deepEqual(
        [env["PODROLE_PROOF_FILE"], env["PODROLE_TRUST_BUNDLE"], env["PODROLE_CERTIFICATE_FILE"]],
        [undefined, undefined, "/var/run/podrole/proof/credentials.pem"],
      );
      const read = readSettings(SIDECAR_SETTINGS, {}, { ...env, PODROLE_POD_NAME: "a", PODROLE_POD_NAMESPACE: "b" });
      assert.deepEqual(read.ok ? findProofProblems(read.value) : read.problems, []);
    });
  }

  test("is recognised as injected, stays as it is when planned again, and is removed without a trace", () => {
    assert.ok(isInjected(injected));
    const again = planned(injected, ON);
    assert.equal(again.reason, "ALREADY_INJECTED");
    assert.deepEqual(podIn(again), injected);
    assert.deepEqual(uninject(injected, { region: PLAN_SETTINGS.region }), POD);
  });

  test("does not depend on the trust bundle, so that a rotation of the CA changes no pod", () => {
    assert.deepEqual(podIn(planned(POD, { ...ON, trustBundle: "another" })), injected);
  });

  test("replaces the other kind of proof, in a restored pod, in both directions", () => {
    const withToken = podIn(planned(POD, PLAN_SETTINGS));
    assert.equal(hasPodCertificate(proofOf(withToken)), false);
    for (const [before, settings, after] of [
      [withToken, ON, injected],
      [injected, PLAN_SETTINGS, withToken],
    ] as const) {
      const changed = podIn(planned(before, settings));
      assert.deepEqual(proofOf(changed), proofOf(after));
      assert.deepEqual(sidecarOf(changed), sidecarOf(after));
    }
  });

  test("follows the namespace's annotation before the setting, and refuses another value", () => {
    assert.ok(hasPodCertificate(proofOf(podIn(planned(POD, PLAN_SETTINGS, "enabled")))));
    assert.equal(hasPodCertificate(proofOf(podIn(planned(POD, ON, "disabled")))), false);
    const wrong = planned(POD, ON, "yes");
    assert.equal(wrong.reason, "ANNOTATION_INVALID");
    assert.match(wrong.message, /pod-certificates of the namespace: it is "yes"; expected "enabled" or "disabled"/);
  });
});

const CERTIFICATE = { podCertificate: { signerName: "podrole.io/pod", credentialBundlePath: "a" } };
const BUNDLE = { clusterTrustBundle: { signerName: "podrole.io/pod", labelSelector: {}, path: "b" } };
const TOKEN = { serviceAccountToken: { path: "token" } };

for (const [what, sources, isOurs] of [
  ["tokens", [TOKEN], true],
  ["a certificate and the bundle", [CERTIFICATE, BUNDLE], true],
  ["a certificate beside a token", [CERTIFICATE, TOKEN], false],
  ["a certificate of another signer", [{ podCertificate: { signerName: "example.com/x" } }, BUNDLE], false],
  ["another bundle", [CERTIFICATE, { clusterTrustBundle: { name: "example" } }], false],
  ["bundles of another signer", [CERTIFICATE, { clusterTrustBundle: { signerName: "example.com/pod" } }], false],
  ["a Secret", [{ secret: { name: "x" } }], false],
  ["nothing", [], false],
] as const) {
  test(`areProofSources() ${isOurs ? "accepts" : "refuses"} ${what}`, () => {
    assert.equal(areProofSources(sources), isOurs);
  });
}
