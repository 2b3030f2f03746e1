import assert from "node:assert/strict";
import { createPrivateKey, generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { inspect } from "node:util";
import { findKeyProblem, generateKeyPem } from "../../src/pki/keys.ts";
import { newKey, publicKeyOf } from "./samples.ts";

test("generateKeyPem() generates a new P-256 key each time, as PKCS #8 PEM", () => {
  const [one, two] = [generateKeyPem(), generateKeyPem()];
  assert.match(one.reveal(), /^-----BEGIN PRIVATE KEY-----\n/);
  assert.equal(createPrivateKey(one.reveal()).asymmetricKeyDetails?.namedCurve, "prime256v1");
  assert.notEqual(one.reveal(), two.reveal());
  assert.equal(inspect(one), "[secret]");
});

test("findKeyProblem() accepts P-256 and RSA 2048, and P-384 if the caller does", () => {
  assert.equal(findKeyProblem(publicKeyOf(newKey("prime256v1"))), undefined);
  assert.equal(findKeyProblem(publicKeyOf(newKey("rsa"))), undefined);
  assert.equal(findKeyProblem(publicKeyOf(newKey("secp384r1")), ["prime256v1", "secp384r1"]), undefined);
});

const REFUSED = [
  ["P-384", () => publicKeyOf(newKey("secp384r1")), "ec secp384r1"],
  ["P-521", () => publicKeyOf(newKey("secp521r1")), "ec secp521r1"],
  ["Ed25519", () => publicKeyOf(newKey("ed25519")), "ed25519"],
  ["RSA 1024", () => generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey, "rsa 1024"],
  ["RSA-PSS", () => generateKeyPairSync("rsa-pss", { modulusLength: 2048 }).publicKey, "rsa-pss 2048"],
] as const;

for (const [name, make, kind] of REFUSED) {
  test(`findKeyProblem() refuses ${name} and names the accepted keys`, () => {
    assert.equal(findKeyProblem(make()), `its key is ${kind}; expected ECDSA P-256 or RSA 2048-4096`);
  });
}
