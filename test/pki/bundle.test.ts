import assert from "node:assert/strict";
import { createHash, X509Certificate } from "node:crypto";
import { test } from "node:test";
import { bundleHash, joinBundle, notAfterOf, notBeforeOf, splitBundle } from "../../src/pki/bundle.ts";
import { DAY_MS } from "../../src/runtime/clock.ts";
import { fc } from "../property.ts";
import { newAuthority, SAMPLE_NOW } from "./samples.ts";

const PEMS = ["one", "two", "three"].map((name) => newAuthority(SAMPLE_NOW, name).certificatePem);
const [ONE = "", TWO = "", THREE = ""] = PEMS;

test("splitBundle() returns each certificate in its order and drops the rest", () => {
  const noise = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  const text = `# comment\n${ONE}${noise}issued-at-ms: 7\r\n${TWO.replaceAll("\n", "\r\n")}-----BEGIN CERTIFICATE-----`;
  assert.deepEqual(splitBundle(text), [ONE, TWO]);
  assert.deepEqual(splitBundle(""), []);
});

test("splitBundle() drops private keys", () => {
  assert.deepEqual(splitBundle(newAuthority().key.reveal() + ONE), [ONE]);
});

test("joinBundle() returns the same text for any order, line ends and repetitions", () => {
  const bundle = joinBundle(PEMS);
  assert.deepEqual(splitBundle(bundle).toSorted(), PEMS.toSorted());
  assert.equal(joinBundle([THREE + ONE, "", TWO.replaceAll("\n", "\r\n"), ONE]), bundle);
  assert.equal(joinBundle([bundle]), bundle);
  assert.equal(joinBundle([]), "");
});

test("bundleHash() is the same for the same set of certificates and differs for others", () => {
  assert.equal(bundleHash(ONE + TWO), bundleHash(TWO + ONE + ONE));
  assert.notEqual(bundleHash(ONE + TWO), bundleHash(ONE));
  assert.notEqual(bundleHash(ONE), bundleHash(TWO));
  assert.equal(bundleHash(""), "");
  assert.equal(bundleHash("no certificate"), "");
});

test("bundleHash() of one certificate is the SHA-256 of its DER", () => {
  assert.equal(bundleHash(ONE), createHash("sha256").update(new X509Certificate(ONE).raw).digest("hex"));
});

test("splitBundle(), joinBundle() and bundleHash() never throw on any text", () => {
  const broken = fc.nat({ max: ONE.length }).map((at) => `${ONE.slice(0, at)}=${ONE.slice(at)}`);
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string(), broken, fc.constantFrom(...PEMS)), { maxLength: 4 }), (pieces) => {
      const bundle = joinBundle(pieces);
      assert.equal(bundleHash(bundle), bundleHash(pieces.join("\n")));
      assert.equal(joinBundle(splitBundle(bundle)), bundle);
    }),
    { numRuns: 200 },
  );
});

test("notAfterOf() and notBeforeOf() read the first certificate, and throw if there is none", () => {
  assert.equal(notAfterOf(`text before\n${ONE}${TWO}`), SAMPLE_NOW + 365 * DAY_MS);
  assert.equal(notBeforeOf(ONE), SAMPLE_NOW - 300_000);
  assert.throws(() => notAfterOf(""));
  assert.throws(() => notBeforeOf("no certificate"));
});
