import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { remainingLifetimeMs } from "../../src/pki/bundle.ts";
import { type Authority, createAuthority, issueCertificate, type Subject } from "../../src/pki/certificate.ts";
import { readCsr } from "../../src/pki/csr.ts";
import { content, encodeDer, integer, sequence, taggedBytes, wholeOctets } from "../../src/pki/der.ts";
import { certificateFields, readExtensions } from "../../src/pki/extensions.ts";
import * as oids from "../../src/pki/oids.ts";
import { isRefusal, PodroleError } from "../../src/protocol/errors.ts";
import { DAY_MS, HOUR_MS } from "../../src/runtime/clock.ts";
import { Secret } from "../../src/runtime/secret.ts";
import { runOpenssl, withOpenssl } from "./openssl.ts";
import {
  caConstraints,
  extension,
  newAuthority,
  newKey,
  newLeaf,
  oddCertificate,
  POD_SUBJECT,
  POD_URI,
  publicKeyOf,
  readFixture,
  SAMPLE_NOW,
} from "./samples.ts";

const SERVING: Subject = {
  kind: "serving",
  dnsNames: ["podrole.podrole.svc", "localhost"],
  ipAddresses: ["10.0.0.1", "::1"],
};
const KEY = newKey("prime256v1");

/** CAs of every kind that may sign; the operator's have no SubjectKeyIdentifier. */
function authorityOf(kind: "prime256v1" | "secp384r1" | "rsa"): Authority {
  const key = newKey(kind);
  return { certificatePem: oddCertificate({ name: `${kind} CA`, key, extensions: [caConstraints()] }), key };
}
const AUTHORITIES: readonly (readonly [string, Authority])[] = [
  ["podrole's own CA", newAuthority()],
  ["a P-256 CA", authorityOf("prime256v1")],
  ["a P-384 CA", authorityOf("secp384r1")],
  ["an RSA CA", authorityOf("rsa")],
];

function issue(authority: Authority, subject: Subject = POD_SUBJECT, now = SAMPLE_NOW, lifetimeMs = HOUR_MS) {
  return issueCertificate({ authority, publicKey: publicKeyOf(KEY), subject, now, lifetimeMs });
}

for (const [name, authority] of AUTHORITIES) {
  test(`issueCertificate() by ${name} issues a leaf that node:crypto verifies with its issuer`, () => {
    const ca = new X509Certificate(authority.certificatePem);
    const { pem, serial } = issue(authority);
    const leaf = new X509Certificate(pem);
    assert.equal(leaf.toString(), pem);
    assert.ok(leaf.checkIssued(ca) && leaf.verify(ca.publicKey));
    assert.equal(leaf.verify(publicKeyOf(KEY)), false);
    assert.ok(leaf.publicKey.equals(publicKeyOf(KEY)));
    assert.equal(leaf.ca, false);
    assert.equal(leaf.subject, undefined);
    assert.equal(leaf.subjectAltName, `URI:${POD_URI}`);
    assert.deepEqual(leaf.keyUsage, [oids.CLIENT_AUTH]);
    assert.equal(leaf.serialNumber, serial);
  });
}

test("issueCertificate() issues a serving leaf for exactly the given names", () => {
  const leaf = new X509Certificate(issue(newAuthority(), SERVING).pem);
  assert.deepEqual(leaf.keyUsage, [oids.SERVER_AUTH]);
  assert.equal(
    leaf.subjectAltName,
    "DNS:podrole.podrole.svc, DNS:localhost, IP Address:10.0.0.1, IP Address:0:0:0:0:0:0:0:1",
  );
  assert.equal(leaf.checkHost("localhost"), "localhost");
  assert.equal(leaf.checkHost("other.podrole.svc"), undefined);
  assert.equal(leaf.checkIP("::1"), "::1");
  assert.equal(leaf.checkIP("10.0.0.2"), undefined);
});

test("issueCertificate() signs the RSA key of a request and ignores the names in the request", () => {
  const publicKey = readCsr(readFixture("csr/accepted/rsa-2048"));
  const named = readCsr(readFixture("csr/accepted/p256-names"));
  assert.ok(!isRefusal(publicKey) && !isRefusal(named));
  for (const key of [publicKey, named]) {
    const { pem } = issueCertificate({
      authority: newAuthority(),
      publicKey: key,
      subject: POD_SUBJECT,
      now: SAMPLE_NOW,
      lifetimeMs: HOUR_MS,
    });
    const leaf = new X509Certificate(pem);
    assert.ok(leaf.publicKey.equals(key));
    assert.equal(leaf.subjectAltName, `URI:${POD_URI}`);
    assert.equal(leaf.subject, undefined);
  }
});

test("issueCertificate() links SubjectKeyIdentifier and AuthorityKeyIdentifier", () => {
  const authority = newAuthority();
  const [ca, leaf] = [new X509Certificate(authority.certificatePem), new X509Certificate(issue(authority).pem)];
  const [own] = readExtensions(ca.raw)(oids.SUBJECT_KEY_IDENTIFIER);
  const [link] = readExtensions(leaf.raw)(oids.AUTHORITY_KEY_IDENTIFIER);
  const identifier = wholeOctets(own);
  assert.equal(identifier?.length, 20);
  assert.ok(link && encodeDer(link).equals(encodeDer(sequence(taggedBytes(0, identifier)))));
});

test("issueCertificate() copies the subject of an operator's CA byte for byte as the issuer", () => {
  const authority = authorityOf("prime256v1");
  const [ca, leaf] = [new X509Certificate(authority.certificatePem), new X509Certificate(issue(authority).pem)];
  const [subject, issuer] = [certificateFields(ca.raw)[5], certificateFields(leaf.raw)[3]];
  assert.ok(subject && issuer && encodeDer(subject).equals(encodeDer(issuer)));
});

test("issueCertificate() issues a certificate from 5 minutes before now for the requested lifetime, in whole seconds", () => {
  const now = SAMPLE_NOW + 789;
  const { pem, notBefore, notAfter } = issue(newAuthority(), POD_SUBJECT, now);
  assert.equal(notBefore, SAMPLE_NOW - 300_000);
  assert.equal(notAfter, SAMPLE_NOW + HOUR_MS);
  const leaf = new X509Certificate(pem);
  assert.equal(leaf.validFromDate.getTime(), notBefore);
  assert.equal(leaf.validToDate.getTime(), notAfter);
});

test("issueCertificate() issues a certificate that is also valid whenever another one is", () => {
  const times = {
    authority: newAuthority(SAMPLE_NOW - DAY_MS),
    publicKey: publicKeyOf(KEY),
    subject: SERVING,
    lifetimeMs: HOUR_MS,
  };
  const wanted = { notBefore: SAMPLE_NOW - 2 * HOUR_MS, notAfter: SAMPLE_NOW + 3 * HOUR_MS };
  const { notBefore, notAfter } = issueCertificate({ ...times, now: SAMPLE_NOW, covers: wanted });
  assert.deepEqual({ notBefore, notAfter }, wanted);
  const shorter = { notBefore: SAMPLE_NOW, notAfter: SAMPLE_NOW + 1_000 };
  assert.equal(issueCertificate({ ...times, now: SAMPLE_NOW, covers: shorter }).notAfter, SAMPLE_NOW + HOUR_MS);
});

test("issueCertificate() never exceeds its CA's validity", () => {
  const bounds = { notBefore: SAMPLE_NOW - 60_000, notAfter: SAMPLE_NOW + 60_000 };
  const certificatePem = oddCertificate({ key: KEY, extensions: [caConstraints()], ...bounds });
  const { notBefore, notAfter } = issue({ certificatePem, key: KEY });
  assert.deepEqual({ notBefore, notAfter }, bounds);
});

test("issueCertificate() never exceeds the validity of any certificate in its CA's chain", () => {
  const extensions = [caConstraints()];
  const root = oddCertificate({
    name: "root",
    key: KEY,
    extensions,
    notAfter: SAMPLE_NOW + 60_000,
    notBefore: SAMPLE_NOW - 1000,
  });
  const middle = oddCertificate({ name: "middle", key: KEY, issuer: { name: "root", key: KEY }, extensions });
  const { notBefore, notAfter, pem } = issue({ certificatePem: middle + root, key: KEY });
  assert.deepEqual({ notBefore, notAfter }, { notBefore: SAMPLE_NOW - 1000, notAfter: SAMPLE_NOW + 60_000 });
  assert.equal(pem.split("BEGIN CERTIFICATE").length - 1, 2, "the leaf and the intermediate, without the root");
  assert.ok(pem.endsWith(middle));
});

const UNUSABLE: readonly (readonly [string, Authority, number, RegExp])[] = [
  ["has expired", newAuthority(), SAMPLE_NOW + 365 * DAY_MS, /it is only valid until/],
  [
    "is valid only later",
    newAuthority(),
    SAMPLE_NOW - 2 * HOUR_MS,
    /only valid from .*, and this machine's clock shows .*Z; expected clocks/,
  ],
  ["has no certificate", { certificatePem: "", key: KEY }, SAMPLE_NOW, /cannot be read/],
  [
    "has a certificate that is none",
    { certificatePem: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", key: KEY },
    SAMPLE_NOW,
    /cannot be read/,
  ],
];
for (const [state, authority, now, reason] of UNUSABLE) {
  test(`issueCertificate() throws INTERNAL when the CA ${state}`, () => {
    assert.throws(
      () => issue(authority, POD_SUBJECT, now),
      (error) => error instanceof PodroleError && error.code === "AUTHORITY_UNAVAILABLE" && reason.test(error.message),
    );
  });
}

for (const [clock, now, expected] of [
  ["agrees with the issuer's", SAMPLE_NOW + 10_000, HOUR_MS - 10_000],
  ["is two minutes behind", SAMPLE_NOW - 120_000, HOUR_MS],
  ["is two hours ahead", SAMPLE_NOW + 2 * HOUR_MS, HOUR_MS],
  ["is two hours behind", SAMPLE_NOW - 2 * HOUR_MS, HOUR_MS],
] as const) {
  test(`remainingLifetimeMs() never exceeds the lifetime, and is positive, when the receiver's clock ${clock}`, () => {
    assert.equal(remainingLifetimeMs(issue(newAuthority()).pem, now), expected);
  });
}

test("issueCertificate() throws for a lifetime of zero", () => {
  assert.throws(() => issue(newAuthority(), POD_SUBJECT, SAMPLE_NOW, 0), PodroleError);
});

test("issueCertificate() uses a new positive serial of 128 random bits each time", () => {
  const authority = newAuthority();
  const serials = Array.from({ length: 50 }, () => issue(authority));
  assert.equal(new Set(serials.map(({ serial }) => serial)).size, 50);
  for (const { serial, pem } of serials) {
    assert.match(serial, /^01[0-9A-F]{32}$/);
    const written = content(certificateFields(new X509Certificate(pem).raw)[1]);
    assert.equal(written?.toString("hex").toUpperCase(), serial);
  }
});

test("createAuthority() creates a self-signed CA that signs only leaves", () => {
  const { certificatePem, key } = createAuthority({
    commonName: "podrole CA",
    now: SAMPLE_NOW,
    lifetimeMs: 365 * DAY_MS,
  });
  const ca = new X509Certificate(certificatePem);
  assert.ok(ca.ca && ca.checkIssued(ca) && ca.verify(ca.publicKey));
  assert.ok(ca.publicKey.equals(publicKeyOf(key)));
  assert.equal(ca.subject, "O=podrole\nCN=podrole CA");
  assert.equal(ca.validFromDate.getTime(), SAMPLE_NOW - 300_000);
  assert.equal(ca.validToDate.getTime(), SAMPLE_NOW + 365 * DAY_MS);
  const [constraints] = readExtensions(ca.raw)(oids.BASIC_CONSTRAINTS);
  assert.equal(constraints && encodeDer(constraints).toString("hex"), "30060101ff020100");
});

test("issueCertificate() and createAuthority() write times after 2049 as GeneralizedTime", () => {
  const now = Date.UTC(2049, 11, 31, 23, 58);
  const authority = createAuthority({ commonName: "late", now, lifetimeMs: 10 * 365 * DAY_MS });
  const leaf = new X509Certificate(issue(authority, POD_SUBJECT, now, HOUR_MS).pem);
  assert.equal(leaf.validFromDate.toISOString(), "2049-12-31T23:53:00.000Z");
  assert.equal(leaf.validToDate.toISOString(), "2050-01-01T00:58:00.000Z");
  const times = leaf.raw.toString("latin1");
  assert.ok(times.includes("\x17\x0d491231235300Z") && times.includes("\x18\x0f20500101005800Z"));
});

for (const [name, authority] of AUTHORITIES) {
  for (const subject of [POD_SUBJECT, SERVING]) {
    const purpose = subject.kind === "pod" ? "sslclient" : "sslserver";
    // Strict OpenSSL requires a SubjectKeyIdentifier and a KeyUsage of a CA; the odd ones above have none.
    const strict = authority.certificatePem === AUTHORITIES[0]?.[1].certificatePem ? ["-x509_strict"] : [];
    test(`openssl verifies a ${subject.kind} certificate by ${name} ${strict.join("")}`, withOpenssl, () => {
      const args = ["verify", ...strict, "-check_ss_sig", "-purpose", purpose, "-attime", String(SAMPLE_NOW / 1000)];
      const files = { ca: authority.certificatePem, leaf: issue(authority, subject).pem };
      const { status, output } = runOpenssl([...args, "-CAfile", "ca", "leaf"], files);
      assert.equal(status, 0, output);
    });
  }
}

test(
  "issueCertificate(): openssl refuses a pod certificate as a server's, by another CA, and after its end",
  withOpenssl,
  () => {
    const authority = newAuthority();
    const files = { ca: authority.certificatePem, other: newAuthority().certificatePem, leaf: issue(authority).pem };
    const verify = (ca: string, purpose: string, at: number) =>
      runOpenssl(["verify", "-purpose", purpose, "-attime", String(at / 1000), "-CAfile", ca, "leaf"], files);
    assert.match(
      verify("ca", "sslserver", SAMPLE_NOW).output,
      /unsuitable certificate purpose|unsupported certificate purpose/,
    );
    assert.notEqual(verify("other", "sslclient", SAMPLE_NOW).status, 0);
    assert.match(verify("ca", "sslclient", SAMPLE_NOW + HOUR_MS + 1000).output, /expired/);
  },
);

test(
  "issueCertificate(): openssl prints a pod certificate with critical bits where RFC 5280 requires them",
  withOpenssl,
  () => {
    const { output } = runOpenssl(["x509", "-in", "leaf", "-noout", "-text"], { leaf: issue(newAuthority()).pem });
    const text = output.replaceAll(/\s+/g, " ");
    for (const part of [
      "Version: 3 (0x2)",
      "Signature Algorithm: ecdsa-with-SHA256",
      "X509v3 Basic Constraints: critical CA:FALSE",
      "X509v3 Key Usage: critical Digital Signature",
      "X509v3 Extended Key Usage: TLS Web Client Authentication",
      `X509v3 Subject Alternative Name: critical URI:${POD_URI}`,
    ]) {
      assert.ok(text.includes(part), `${part} is not in\n${output}`);
    }
    assert.match(text, /X509v3 Subject Key Identifier: (..:){19}/);
    assert.match(text, /X509v3 Authority Key Identifier: (keyid:)?(..:){19}/i);
  },
);

test("issueCertificate() does not include its CA's key in its errors", () => {
  const authority = {
    ...newAuthority(),
    key: new Secret("-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----"),
  };
  assert.throws(
    () => issue(authority),
    (error) => !String(error).includes("c2VjcmV0"),
  );
});

test("readExtensions() returns every value of an extension, and undefined for one that is not DER", () => {
  const odd = [extension(oids.KEY_USAGE, integer(1)), extension(oids.KEY_USAGE, integer(2))];
  const { raw } = new X509Certificate(oddCertificate({ key: KEY, extensions: odd }));
  assert.deepEqual(
    readExtensions(raw)(oids.KEY_USAGE).map((value) => content(value)?.toString("hex")),
    ["01", "02"],
  );
  assert.deepEqual(readExtensions(raw)(oids.SUBJECT_ALT_NAME), []);
  assert.deepEqual(readExtensions(Buffer.of(1))(oids.KEY_USAGE), []);
  assert.equal(newLeaf(newAuthority()).certificate.ca, false);
});
