// The stand-ins for src/pki behave like what they replace, and each stand-in has the names that its importers use.
import assert from "node:assert/strict";
import { createPublicKey, X509Certificate } from "node:crypto";
import { suite, test } from "node:test";
import { createAuthority, issueCertificate } from "../../src/pki/certificate.ts";
import * as real from "../../src/pki/der.ts";
import * as crypto from "./stand-ins/crypto.ts";
import * as standIn from "./stand-ins/der.ts";

const now = Date.parse("2026-01-01T00:00:00Z");
const authority = createAuthority({ commonName: "podrole CA", now, lifetimeMs: 86_400_000 });
const issued = issueCertificate({
  authority,
  publicKey: createPublicKey(authority.key.reveal()),
  subject: { kind: "pod", uri: "spiffe://cluster.local/ns/shop/sa/default/pod/app/uid" },
  now,
  lifetimeMs: 3_600_000,
});

suite("simulate: stand-ins", () => {
  test("der.ts exports what src/pki/der.ts exports", () => {
    assert.deepEqual(Object.keys(standIn).toSorted(), Object.keys(real).toSorted());
  });

  test("decode() and encode() of der.ts agree with src/pki/der.ts on a certificate", () => {
    const { raw } = new X509Certificate(issued.pem);
    const decoded = standIn.decode(raw);
    assert.ok(decoded);
    const copy = (der: standIn.Der): standIn.Der => ({
      id: der.id,
      value: Buffer.isBuffer(der.value) ? der.value : der.value.map(copy),
    });
    assert.deepEqual(standIn.encode(copy(decoded)), raw);
    assert.equal(standIn.decode(raw.subarray(1)), undefined);
  });

  test("X509Certificate of crypto.ts has the members of node:crypto's for a CA and a leaf", () => {
    for (const pem of [authority.certificatePem, issued.pem]) {
      const [mine, theirs] = [new crypto.X509Certificate(pem), new X509Certificate(pem)];
      assert.deepEqual(mine.raw, theirs.raw);
      assert.equal(mine.toString(), theirs.toString());
      assert.equal(mine.ca, theirs.ca);
      assert.deepEqual([mine.validFromDate, mine.validToDate], [theirs.validFromDate, theirs.validToDate]);
    }
    const [leaf, ca] = [new crypto.X509Certificate(issued.pem), new crypto.X509Certificate(authority.certificatePem)];
    assert.ok(leaf.checkIssued(ca));
    assert.ok(!ca.checkIssued(leaf));
  });
});
