import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { type Der, integer, octets, sequence, tagged, taggedBytes, utf8, yes } from "../../src/pki/der.ts";
import { formatSpiffeId, isTrustDomain, podIdentityOf } from "../../src/pki/identity.ts";
import { generateKeyPem } from "../../src/pki/keys.ts";
import * as oids from "../../src/pki/oids.ts";
import { isRefusal } from "../../src/protocol/errors.ts";
import { fc } from "../property.ts";
import { caConstraints, extension, newAuthority, newLeaf, oddCertificate, POD_URI, SAMPLE_POD } from "./samples.ts";

const KEY = generateKeyPem();
const AUTHORITY = newAuthority();
const uri = (text: string): Der => taggedBytes(6, Buffer.from(text, "latin1"));
const names = (...entries: Der[]): Der => extension(oids.SUBJECT_ALT_NAME, sequence(...entries), true);
const certificateWith = (...extensions: Der[]): Buffer =>
  new X509Certificate(oddCertificate({ key: KEY, extensions })).raw;

function assertRejected(certificate: Uint8Array, trustDomain = "cluster.local"): string {
  const result = podIdentityOf(certificate, trustDomain);
  if (!isRefusal(result)) assert.fail("the certificate was accepted");
  assert.equal(result.code, "CERTIFICATE_REJECTED");
  assert.match(result.message, /^Cannot identify the caller by its certificate: .*expected.*[^.]$/);
  return result.message;
}

test("podIdentityOf() reads what formatSpiffeId() wrote into an issued certificate", () => {
  assert.equal(formatSpiffeId(SAMPLE_POD), POD_URI);
  const { certificate } = newLeaf(AUTHORITY);
  assert.deepEqual(podIdentityOf(certificate.raw, "cluster.local"), SAMPLE_POD);
});

test("podIdentityOf() reads a certificate without other extensions", () => {
  assert.deepEqual(podIdentityOf(certificateWith(names(uri(POD_URI))), "cluster.local"), SAMPLE_POD);
});

const IDENTITIES = [
  { ...SAMPLE_POD, serviceAccount: "a.b.c", name: "web-0.example" },
  { ...SAMPLE_POD, trustDomain: "a", namespace: "1", serviceAccount: "2", name: "3", uid: "4" },
  { ...SAMPLE_POD, namespace: "n".repeat(63), serviceAccount: "s".repeat(253), name: "p".repeat(253) },
  { ...SAMPLE_POD, trustDomain: Array(32).fill("label12").join("."), uid: "A1-b2" },
] as const;

for (const [index, identity] of IDENTITIES.entries()) {
  test(`podIdentityOf() reads the unusual but valid identity ${index}`, () => {
    const { certificate } = newLeaf(AUTHORITY, { kind: "pod", uri: formatSpiffeId(identity) });
    assert.deepEqual(podIdentityOf(certificate.raw, identity.trustDomain), identity);
  });
}

const BAD_URIS: Record<string, string> = {
  "of another scheme": POD_URI.replace("spiffe:", "https:"),
  "with a scheme in capitals": POD_URI.replace("spiffe:", "SPIFFE:"),
  "with a port": POD_URI.replace("local/", "local:8443/"),
  "with a user": POD_URI.replace("//", "//admin@"),
  "with a query": `${POD_URI}?x=y`,
  "with a fragment": `${POD_URI}#x`,
  "with a slash at the end": `${POD_URI}/`,
  "with a further part": `${POD_URI}/x`,
  "without uid": POD_URI.slice(0, POD_URI.lastIndexOf("/")),
  "with an empty namespace": POD_URI.replace("/shop/", "//"),
  "with another order": POD_URI.replace("/ns/shop/sa/cart", "/sa/cart/ns/shop"),
  "with a namespace in capitals": POD_URI.replace("/shop/", "/Shop/"),
  "with a dot in the namespace": POD_URI.replace("/shop/", "/sh.op/"),
  "with a hyphen before the namespace": POD_URI.replace("/shop/", "/-shop/"),
  "with a hyphen after the namespace": POD_URI.replace("/shop/", "/shop-/"),
  "with a namespace of 64 characters": POD_URI.replace("/shop/", `/${"n".repeat(64)}/`),
  "with a parent directory as service account": POD_URI.replace("/sa/cart", "/sa/.."),
  "with a percent sign": POD_URI.replace("/sa/cart", "/sa/c%61rt"),
  "with a service account of 254 characters": POD_URI.replace("/sa/cart", `/sa/${"s".repeat(254)}`),
  "with an underscore in the pod": POD_URI.replace("cart-7d", "cart_7d"),
  "with a blank": POD_URI.replace("/shop/", "/shop /"),
  "with a line break at the end": `${POD_URI}\n`,
  "with a NUL": POD_URI.replace("/shop/", "/shop\0/"),
  "with a comma and another URI": `${POD_URI}, URI:spiffe://cluster.local/ns/kube-system/sa/a/pod/b/c`,
  "with a uid of 64 characters": POD_URI.replace(SAMPLE_POD.uid, "u".repeat(64)),
  "with a uid of other characters": POD_URI.replace(SAMPLE_POD.uid, "a_b"),
  "with a byte beyond ASCII": POD_URI.replace("/shop/", "/sh\xf6p/"),
  "without content": "",
};

for (const [name, text] of Object.entries(BAD_URIS)) {
  test(`podIdentityOf() rejects a URI ${name}`, () => {
    assert.match(assertRejected(certificateWith(names(uri(text)))), /another form/);
  });
}

const dns = taggedBytes(2, Buffer.from("cluster.local"));
const COUNT = /exactly one alternative name/;
const REJECTED: readonly (readonly [string, readonly Der[], RegExp])[] = [
  ["no extensions", [], COUNT],
  ["no alternative name", [names()], COUNT],
  ["two URIs", [names(uri(POD_URI), uri(POD_URI))], COUNT],
  ["a URI and a DNS name", [names(uri(POD_URI), dns)], COUNT],
  ["a DNS name and a URI", [names(dns, uri(POD_URI))], COUNT],
  ["a DNS name that reads like a URI", [names(taggedBytes(2, Buffer.from(POD_URI)))], COUNT],
  ["a directory name with a constructed URI tag", [names(tagged(6, utf8(POD_URI)))], /another form/],
  ["names that are no sequence", [extension(oids.SUBJECT_ALT_NAME, uri(POD_URI))], COUNT],
  ["the names of two extensions", [names(uri(POD_URI)), names(uri(POD_URI))], COUNT],
  ["a CA's constraints", [names(uri(POD_URI)), caConstraints()], /it is a CA's/],
  [
    "two constraints, one of a CA",
    [names(uri(POD_URI)), extension(oids.BASIC_CONSTRAINTS, sequence()), caConstraints()],
    /CA's/,
  ],
  ["constraints that are no sequence", [names(uri(POD_URI)), extension(oids.BASIC_CONSTRAINTS, yes())], /CA's/],
  [
    "constraints with a path length only",
    [names(uri(POD_URI)), extension(oids.BASIC_CONSTRAINTS, sequence(integer(0)))],
    /CA's/,
  ],
];

for (const [name, extensions, reason] of REJECTED) {
  test(`podIdentityOf() rejects a certificate with ${name}`, () => {
    assert.match(assertRejected(certificateWith(...extensions)), reason);
  });
}

test("podIdentityOf() rejects another trust domain", () => {
  const { certificate } = newLeaf(AUTHORITY);
  assert.match(assertRejected(certificate.raw, "other.example"), /another trust domain; expected other.example/);
  assertRejected(certificate.raw, "CLUSTER.LOCAL");
});

test("podIdentityOf() rejects a serving certificate and a CA", () => {
  const subject = { kind: "serving", dnsNames: ["podrole.podrole.svc"], ipAddresses: [] } as const;
  assertRejected(newLeaf(AUTHORITY, subject).certificate.raw);
  assertRejected(new X509Certificate(AUTHORITY.certificatePem).raw);
});

test("podIdentityOf() rejects bytes that are not a certificate", () => {
  const { certificate } = newLeaf(AUTHORITY);
  assertRejected(new Uint8Array());
  assertRejected(certificate.raw.subarray(0, -1));
  assertRejected(Buffer.concat([certificate.raw, Buffer.of(0)]));
  assertRejected(Buffer.alloc(60_000, Buffer.of(0x30, 0x80)));
});

test("formatSpiffeId() throws for a name that podIdentityOf() would reject", () => {
  for (const wrong of [
    { namespace: "a/b" },
    { name: "" },
    { uid: "x/y" },
    { trustDomain: "A" },
    { serviceAccount: ".." },
  ]) {
    assert.throws(
      () => formatSpiffeId({ ...SAMPLE_POD, ...wrong }),
      /^Error: Cannot format a SPIFFE ID: .*; expected names/,
    );
  }
});

test("isTrustDomain() accepts only DNS names in lower case", () => {
  for (const good of ["cluster.local", "a", "prod-1.example.com"]) assert.equal(isTrustDomain(good), true, good);
  for (const bad of ["", ".", "a.", ".a", "A", "a_b", "a b", "a/b", "a:1", "-a", "a".repeat(64), "a.".repeat(128)]) {
    assert.equal(isTrustDomain(bad), false, bad);
  }
});

const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/);
const subdomain = fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => labels.join("."));
const identity = fc.record({
  trustDomain: subdomain,
  namespace: label,
  serviceAccount: subdomain,
  name: subdomain,
  uid: fc.uuid(),
});

test("podIdentityOf() returns the identity of any issued certificate", () => {
  fc.assert(
    fc.property(identity, (any) => {
      const der = certificateWith(names(uri(formatSpiffeId(any))));
      assert.deepEqual(podIdentityOf(der, any.trustDomain), { ...any });
    }),
    { numRuns: 100 },
  );
});

test("podIdentityOf() never throws on arbitrary or changed certificates, and never returns another identity", () => {
  const { raw } = newLeaf(AUTHORITY).certificate;
  const arbitrary = fc.uint8Array({ maxLength: 600 });
  const changed = fc
    .tuple(fc.nat({ max: raw.length - 1 }), fc.nat({ max: 3 }), fc.uint8Array({ maxLength: 3 }))
    .map(([at, remove, insert]) => Buffer.concat([raw.subarray(0, at), insert, raw.subarray(at + remove)]));
  fc.assert(
    fc.property(fc.oneof(arbitrary, changed), (bytes) => {
      const result = podIdentityOf(bytes, "cluster.local");
      // A changed certificate already fails signature verification; the result must be well formed nevertheless.
      if (!isRefusal(result)) assert.doesNotThrow(() => formatSpiffeId(result));
    }),
    { numRuns: 3000 },
  );
});

test("podIdentityOf() reads the content of the extension, not an OCTET STRING around its text", () => {
  assert.match(assertRejected(certificateWith(extension(oids.SUBJECT_ALT_NAME, octets(Buffer.from(POD_URI))))), COUNT);
});
