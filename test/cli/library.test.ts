// What programs import from the npm package. test/package compiles and runs a program that does.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { readPlanSettings } from "../../src/cli/library.ts";
import { createAuthority } from "../../src/pki/certificate.ts";

const { certificatePem: trustBundle } = createAuthority({ commonName: "podrole", now: 0, lifetimeMs: 3_600_000 });
const ENVIRONMENT = { PODROLE_REGION: "eu-central-1", PODROLE_SIDECAR_IMAGE: "registry.example/sidecar:1", HOME: "/" };

suite("readPlanSettings()", () => {
  test("reads the webhook's variables, and ignores others", () => {
    const read = readPlanSettings(ENVIRONMENT, { trustBundle });
    assert.ok(read.ok);
    const { image, region, nativeSidecar, trustBundle: bundle } = read.value;
    assert.deepEqual([image, region, nativeSidecar], ["registry.example/sidecar:1", "eu-central-1", true]);
    assert.equal(bundle, trustBundle);
  });

  for (const [what, environment, minor, isNative] of [
    ["an old version of Kubernetes", {}, 28, false],
    ["a current one", {}, 29, true],
    ["the setting, which takes precedence", { PODROLE_NATIVE_SIDECAR: "true" }, 28, true],
  ] as const) {
    test(`chooses native sidecars by ${what}`, () => {
      const context = { trustBundle, kubernetesVersion: { major: 1, minor } };
      const read = readPlanSettings({ ...ENVIRONMENT, ...environment }, context);
      assert.equal(read.ok && read.value.nativeSidecar, isNative);
    });
  }

  for (const [setting, podCertificates, isOn] of [
    ["auto", "on", true],
    ["auto", "off", false],
    ["auto", undefined, false],
    ["on", "off", true],
  ] as const) {
    test(`decides about pod certificates by the setting ${setting} where "${podCertificates}" is published`, () => {
      const context = { trustBundle, ...(podCertificates && { podCertificates }) };
      const read = readPlanSettings({ ...ENVIRONMENT, PODROLE_POD_CERTIFICATES: setting }, context);
      assert.equal(read.ok && read.value.podCertificates, isOn);
    });
  }

  test("returns every problem of settings and bundle", () => {
    const read = readPlanSettings({ PODROLE_SIDECAR_USER: "nobody" }, { trustBundle: "no certificate" });
    assert.ok(!read.ok);
    assert.equal(read.problems.length, 2);
    assert.match(read.problems[0] ?? "", /sidecar-user|PODROLE_SIDECAR_USER/);
    assert.equal(read.problems[1], "trustBundle is not one or more certificates in PEM");
  });
});
