import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { refuseChain } from "../../src/pki/chain.ts";
import { DAY_MS, HOUR_MS } from "../../src/runtime/clock.ts";
import { caConstraints, newAuthority, newKey, newLeaf, oddCertificate, SAMPLE_NOW } from "./samples.ts";

const certificates = (...pems: readonly string[]) => pems.map((pem) => new X509Certificate(pem));
const CA = newAuthority();
const LEAF = newLeaf(CA).certificate.raw;
const TRUSTED = certificates(CA.certificatePem);

const refusal = (now: number, trusted = TRUSTED, leaf: Uint8Array = LEAF) => refuseChain(leaf, trusted, now);

test("refuseChain() accepts a valid leaf of a CA in the bundle, among others", () => {
  assert.equal(refusal(SAMPLE_NOW), undefined);
  assert.equal(
    refusal(SAMPLE_NOW, certificates(newAuthority(SAMPLE_NOW, "other").certificatePem, CA.certificatePem)),
    undefined,
  );
});

test("refuseChain() accepts a leaf from the start of its validity to its end, and not a second more", () => {
  const [from, to] = [SAMPLE_NOW - 300_000, SAMPLE_NOW + HOUR_MS];
  assert.deepEqual([refusal(from), refusal(to)], [undefined, undefined]);
  for (const [now, state] of [
    [from - 1_000, /only valid from 2026-11-24T11:55:00/],
    [to + 1_000, /expired at 2026-11-24T13:00:00/],
  ] as const) {
    assert.equal(refusal(now)?.code, "CERTIFICATE_REJECTED");
    assert.match(refusal(now)?.message ?? "", state);
  }
});

test("refuseChain() verifies the signature: a CA of the same name with another key is not the issuer", () => {
  assert.equal(refusal(SAMPLE_NOW, certificates(newAuthority().certificatePem))?.code, "CERTIFICATE_REJECTED");
  assert.equal(refusal(SAMPLE_NOW, [])?.code, "CERTIFICATE_REJECTED");
});

test("refuseChain() refuses what is not a certificate", () => {
  assert.match(refusal(SAMPLE_NOW, TRUSTED, Buffer.from("no certificate"))?.message ?? "", /cannot be parsed/);
});

const [rootKey, middleKey, leafKey] = [newKey("prime256v1"), newKey("prime256v1"), newKey("prime256v1")];
const root = (notAfter?: number) =>
  oddCertificate({ name: "root", key: rootKey, extensions: [caConstraints()], ...(notAfter && { notAfter }) });
const middle = (notAfter?: number, isCa = true) =>
  oddCertificate({
    name: "middle",
    key: middleKey,
    issuer: { name: "root", key: rootKey },
    extensions: isCa ? [caConstraints()] : [],
    ...(notAfter && { notAfter }),
  });
const BELOW = new X509Certificate(
  oddCertificate({ name: "leaf", key: leafKey, issuer: { name: "middle", key: middleKey }, extensions: [] }),
).raw;

test("refuseChain() follows intermediate CAs of the bundle to a self-signed one", () => {
  assert.equal(refusal(SAMPLE_NOW, certificates(root(), middle()), BELOW), undefined);
});

for (const [what, bundle] of [
  ["the root is not in the bundle", [middle()]],
  ["the intermediate CA is not in the bundle", [root()]],
  ["the root has expired", [root(SAMPLE_NOW - 1_000), middle()]],
  ["the intermediate CA has expired", [root(), middle(SAMPLE_NOW - 1_000)]],
  ["the intermediate certificate is not a CA's", [root(), middle(undefined, false)]],
] as const) {
  test(`refuseChain() refuses a leaf when ${what}`, () => {
    assert.equal(refusal(SAMPLE_NOW, certificates(...bundle), BELOW)?.code, "CERTIFICATE_REJECTED");
  });
}

test("refuseChain() ends for CAs that sign each other without a root", () => {
  const [one, two] = [newKey("prime256v1"), newKey("prime256v1")];
  const cross = (name: string, key: typeof one, issuer: { name: string; key: typeof one }) =>
    oddCertificate({ name, key, issuer, extensions: [caConstraints()], notAfter: SAMPLE_NOW + DAY_MS });
  const bundle = certificates(
    cross("one", one, { name: "two", key: two }),
    cross("two", two, { name: "one", key: one }),
  );
  const leaf = oddCertificate({ name: "leaf", key: leafKey, issuer: { name: "one", key: one }, extensions: [] });
  assert.equal(refusal(SAMPLE_NOW, bundle, new X509Certificate(leaf).raw)?.code, "CERTIFICATE_REJECTED");
});
