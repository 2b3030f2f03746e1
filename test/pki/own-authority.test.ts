import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { test } from "node:test";
import { splitBundle } from "../../src/pki/bundle.ts";
import { type Authority, issueCertificate } from "../../src/pki/certificate.ts";
import { bits, oid, sequence } from "../../src/pki/der.ts";
import * as oids from "../../src/pki/oids.ts";
import { readAuthority } from "../../src/pki/own-authority.ts";
import { DAY_MS } from "../../src/runtime/clock.ts";
import { Secret } from "../../src/runtime/secret.ts";
import { runOpenssl, withOpenssl } from "./openssl.ts";
import {
  caConstraints,
  extension,
  newAuthority,
  newKey,
  oddCertificate,
  POD_SUBJECT,
  publicKeyOf,
  SAMPLE_NOW,
} from "./samples.ts";

const EC = newKey("prime256v1");
const RSA = newKey("rsa");
const CA = [caConstraints()];
const purposes = (...ids: string[]) => extension(oids.EXTENDED_KEY_USAGE, sequence(...ids.map(oid)));

const root = oddCertificate({ name: "root", key: RSA, extensions: CA });
const middle = oddCertificate({ name: "middle", key: RSA, issuer: { name: "root", key: RSA }, extensions: CA });
const signing = oddCertificate({ name: "signing", key: EC, issuer: { name: "middle", key: RSA }, extensions: CA });

function accepted(certificatePem: string, key: Secret): Authority {
  const read = readAuthority(certificatePem, key, SAMPLE_NOW);
  return read.ok ? read.value : assert.fail(read.problem);
}

const OWN = newAuthority();
const ACCEPTED: readonly (readonly [string, string, Secret])[] = [
  ["a self-signed RSA CA", root, RSA],
  ["a CA that podrole made", OWN.certificatePem, OWN.key],
  ["an intermediate with its chain", signing + middle + root, EC],
  ["a chain with text around it", `subject=signing\r\n${signing}\nsubject=middle\n${middle}\n# root\n${root}`, EC],
  [
    "a CA with both purposes",
    oddCertificate({ key: EC, extensions: [...CA, purposes(oids.CLIENT_AUTH, oids.SERVER_AUTH)] }),
    EC,
  ],
  ["a CA of any purpose", oddCertificate({ key: EC, extensions: [...CA, purposes(oids.ANY_EXTENDED_KEY_USAGE)] }), EC],
];

for (const [name, certificatePem, key] of ACCEPTED) {
  test(`readAuthority() accepts ${name}, and its leaf verifies`, () => {
    const authority = accepted(certificatePem, key);
    const leaf = issueCertificate({
      authority,
      publicKey: publicKeyOf(EC),
      subject: POD_SUBJECT,
      now: SAMPLE_NOW,
      lifetimeMs: DAY_MS,
    });
    const [leafCertificate, issuer] = [new X509Certificate(leaf.pem), new X509Certificate(authority.certificatePem)];
    assert.ok(leafCertificate.checkIssued(issuer) && leafCertificate.verify(issuer.publicKey));
  });
}

test("readAuthority() uses only the chain as the authority if other trusted roots follow it", () => {
  const ended = oddCertificate({ name: "ended", key: STRANGER, extensions: CA, notAfter: SAMPLE_NOW - 1 });
  const { certificatePem } = accepted(signing + middle + root + newAuthority().certificatePem + ended, EC);
  assert.deepEqual(splitBundle(certificatePem), splitBundle(signing + middle + root));
});

test("readAuthority() accepts P-384, SEC 1 and PKCS #1 keys", () => {
  const p384 = newKey("secp384r1");
  accepted(oddCertificate({ key: p384, extensions: CA }), p384);
  const sec1 = createPrivateKey(EC.reveal()).export({ type: "sec1", format: "pem" });
  accepted(oddCertificate({ key: EC, extensions: CA }), new Secret(sec1));
  const pkcs1 = createPrivateKey(RSA.reveal()).export({ type: "pkcs1", format: "pem" });
  accepted(root, new Secret(pkcs1));
});

const encrypted = createPrivateKey(EC.reveal()).export({
  type: "pkcs8",
  format: "pem",
  cipher: "aes-256-cbc",
  passphrase: "x",
});
const STRANGER = newKey("prime256v1");
const other = oddCertificate({ name: "other", key: newKey("prime256v1"), extensions: CA });
const P521 = newKey("secp521r1");
const ED25519 = newKey("ed25519");

const CHAIN = /^the certificates are not a chain; expected/;
const REFUSED: readonly (readonly [string, string, Secret, RegExp])[] = [
  ["no certificate", "", EC, /^the certificate file has no certificate; expected PEM$/],
  ["a certificate that is none", root.replace("MII", "AAA"), RSA, /no certificate/],
  ["a leaf", oddCertificate({ key: EC, extensions: [] }), EC, /"CN=odd" is not a CA certificate; expected CA:TRUE/],
  [
    "CA:FALSE",
    oddCertificate({ key: EC, extensions: [extension(oids.BASIC_CONSTRAINTS, sequence())] }),
    EC,
    /not a CA certificate/,
  ],
  [
    "a CA without keyCertSign",
    oddCertificate({ key: EC, extensions: [...CA, extension(oids.KEY_USAGE, bits(Buffer.of(0x80), 7), true)] }),
    EC,
    /not a CA certificate/,
  ],
  [
    "an expired CA",
    oddCertificate({ key: EC, extensions: CA, notAfter: SAMPLE_NOW }),
    EC,
    /"CN=odd" expired at Nov 24 12:00:00 2026 GMT; expected/,
  ],
  [
    "a CA of the future",
    oddCertificate({ key: EC, extensions: CA, notBefore: SAMPLE_NOW + 1000 }),
    EC,
    /is only valid from .*/,
  ],
  [
    "an expired root",
    oddCertificate({ name: "signing", key: EC, issuer: { name: "old", key: RSA }, extensions: CA }) +
      oddCertificate({ name: "old", key: RSA, extensions: CA, notAfter: SAMPLE_NOW - 1 }),
    EC,
    /"CN=old" expired/,
  ],
  [
    "a CA for clients only",
    oddCertificate({ key: EC, extensions: [...CA, purposes(oids.CLIENT_AUTH)] }),
    EC,
    /limits the purposes of its leaves/,
  ],
  ["no key", root, new Secret(""), /^the key is not readable/],
  ["an encrypted key", root, new Secret(encrypted), /without a passphrase$/],
  ["a public key", root, new Secret(publicKeyOf(RSA).export({ type: "spki", format: "pem" })), /not readable/],
  ["another key", root, EC, /^the key does not belong to the certificate/],
  [
    "a P-521 CA",
    oddCertificate({ key: P521, extensions: CA, issuer: { name: "odd", key: P521 } }),
    P521,
    /ec secp521r1; expected ECDSA P-256 or P-384 or RSA/,
  ],
  ["an Ed25519 CA", oddCertificate({ key: ED25519, extensions: CA }), ED25519, /ed25519; expected/],
  ["an intermediate without its root", signing + middle, EC, CHAIN],
  ["only an intermediate", signing, EC, CHAIN],
  ["a chain in another order", signing + root + middle, EC, CHAIN],
  ["a leaf behind the root", root + oddCertificate({ key: EC, extensions: [] }), RSA, /"CN=odd" follows the root/],
  ["an intermediate behind the root", signing + middle + root + middle, EC, /"CN=middle" follows the root/],
  ["a root behind a chain without its own", signing + other, EC, CHAIN],
  [
    "an issuer of the right name with another key",
    oddCertificate({ name: "signing", key: EC, issuer: { name: "other", key: STRANGER }, extensions: CA }) + other,
    EC,
    CHAIN,
  ],
  [
    "a root that another key signed",
    oddCertificate({ name: "odd", key: EC, issuer: { name: "odd", key: STRANGER }, extensions: CA }),
    EC,
    CHAIN,
  ],
];

for (const [name, certificatePem, key, reason] of REFUSED) {
  test(`readAuthority() refuses ${name} and never mentions the key`, () => {
    const read = readAuthority(certificatePem, key, SAMPLE_NOW);
    assert.ok(!read.ok, "it was accepted");
    assert.match(read.problem, reason);
    assert.doesNotMatch(read.problem, /BEGIN/);
  });
}

test("readAuthority() accepts a CA of openssl, and openssl verifies its leaf strictly", withOpenssl, () => {
  const key = newKey("rsa");
  const args = ["req", "-x509", "-key", "key", "-subj", "/O=Example/CN=Example CA", "-days", "2", "-sha256"];
  const { output: pem } = runOpenssl([...args, "-addext", "keyUsage=critical,keyCertSign,cRLSign"], {
    key: key.reveal(),
  });
  const now = new X509Certificate(pem).validFromDate.getTime() + 60_000;
  const read = readAuthority(pem, key, now);
  const authority = read.ok ? read.value : assert.fail(read.problem);
  const leaf = issueCertificate({
    authority,
    publicKey: publicKeyOf(EC),
    subject: POD_SUBJECT,
    now,
    lifetimeMs: DAY_MS,
  });
  const verify = [
    "verify",
    "-x509_strict",
    "-purpose",
    "sslclient",
    "-attime",
    String(now / 1000),
    "-CAfile",
    "ca",
    "leaf",
  ];
  const { status, output } = runOpenssl(verify, { ca: pem, leaf: leaf.pem });
  assert.equal(status, 0, output);
});
