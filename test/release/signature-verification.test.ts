import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { signatureNameOf } from "../../scripts/release/file-names.ts";
import { type Signed, signatureVerifications } from "../../scripts/release/signature-verification.ts";

const SIGNED: Signed = {
  cosign: "cosign",
  publicKey: "release.pub",
  otherKey: "other.pub",
  files: ["podrole.tgz", "SHA256SUMS"].map((file) => ({ file, bundle: signatureNameOf(file) })),
  changedFile: "changed-podrole.tgz",
  images: ["127.0.0.1:1/podrole-server@sha256:a", "127.0.0.1:1/charts/podrole@sha256:b"],
  attested: ["127.0.0.1:1/podrole-server@sha256:a"],
  unsignedImage: "127.0.0.1:1/unsigned@sha256:c",
};

suite("signatureVerifications()", () => {
  const all = signatureVerifications(SIGNED);

  test("has a command that must fail beside each kind of signature", () => {
    for (const verb of ["verify-blob", "verify", "verify-attestation"]) {
      const outcomes = all.filter(({ command }) => command[1] === verb).map(({ expected }) => expected);
      assert.deepEqual(new Set(outcomes), new Set(["accepted", "refused"]), verb);
    }
  });

  test("verifies every file, every image, and both statements of an image", () => {
    const accepted = all.filter(({ expected }) => expected === "accepted").map(({ command }) => command.join(" "));
    for (const { file, bundle } of SIGNED.files) assert.ok(accepted.some((line) => line.endsWith(`${bundle} ${file}`)));
    for (const image of SIGNED.images)
      assert.ok(accepted.some((line) => line.includes(" verify ") && line.includes(image)));
    for (const type of ["cyclonedx", "slsaprovenance1"]) {
      assert.ok(
        accepted.some((line) => line.includes(`--type ${type}`)),
        type,
      );
    }
  });

  test("accepts only by the public key, never by the other one", () => {
    const keys = all.map(({ command, expected }) => `${expected} ${command.includes(SIGNED.otherKey)}`);
    assert.ok(!keys.includes("accepted true"));
  });
});
