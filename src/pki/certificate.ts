// Certificates podrole issues (RFC 5280): for one pod instance, or for serving TLS under podrole's own names. The
// caller has decided who it is for; here nothing is taken from the request but the key.
import {
  createHash,
  createPrivateKey,
  createPublicKey,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from "node:crypto";
import { isIPv4 } from "node:net";
import type { Secret } from "../runtime/secret.ts";
import {
  bits,
  boolean,
  content,
  type Der,
  decode,
  encode,
  hasTag,
  integer,
  octets,
  oid,
  parts,
  sequence,
  set,
  tagged,
  taggedBytes,
  time,
  toPem,
  utf8,
} from "./der.ts";
import { generateKeyPem } from "./keys.ts";
import * as oids from "./oids.ts";

/** A CA that signs. `certificatePem` starts with the CA's own certificate; intermediates' issuers may follow. */
export interface Authority {
  readonly certificatePem: string;
  readonly key: Secret;
}

export type Subject =
  | { readonly kind: "pod"; readonly uri: string }
  | { readonly kind: "serving"; readonly dnsNames: readonly string[]; readonly ipAddresses: readonly string[] };

/** Times are Unix milliseconds; `serial` is lower-case hex. */
export interface IssuedCertificate {
  readonly pem: string;
  readonly serial: string;
  readonly notBefore: number;
  readonly notAfter: number;
}

export interface CertificateRequest {
  readonly authority: Authority;
  readonly publicKey: KeyObject;
  readonly subject: Subject;
  readonly now: number;
  readonly lifetimeMs: number;
}

/** Clocks of nodes differ: a certificate is valid from a little before it was asked for. */
const BACKDATE_MS = 5 * 60_000;

/** The PEM has the leaf first, then what of the CA's file a peer needs to reach a root (nothing for a root of ours). */
export function issueCertificate({
  authority,
  publicKey,
  subject,
  now,
  lifetimeMs,
}: CertificateRequest): IssuedCertificate {
  const issuer = new X509Certificate(authority.certificatePem);
  const notBefore = wholeSeconds(Math.max(now - BACKDATE_MS, Date.parse(issuer.validFrom)));
  const notAfter = wholeSeconds(Math.min(now + lifetimeMs, Date.parse(issuer.validTo)));
  const extensions = sequence(
    extension(oids.BASIC_CONSTRAINTS, true, sequence()),
    // digitalSignature: TLS 1.3 and ECDHE need no other use of the key.
    extension(oids.KEY_USAGE, true, bits(Buffer.from([0x80]), 7)),
    extension(
      oids.EXTENDED_KEY_USAGE,
      false,
      sequence(oid(subject.kind === "pod" ? oids.CLIENT_AUTH : oids.SERVER_AUTH)),
    ),
    extension(oids.SUBJECT_KEY_IDENTIFIER, false, octets(keyIdentifier(publicKey))),
    extension(oids.AUTHORITY_KEY_IDENTIFIER, false, sequence(taggedBytes(0, authorityKeyIdentifier(issuer)))),
    // Critical because the subject is empty (RFC 5280 §4.1.2.6).
    extension(oids.SUBJECT_ALT_NAME, true, alternativeNames(subject)),
  );
  const serial = newSerial();
  const leaf = signCertificate(authority, {
    serial,
    issuerName: nameOf(issuer),
    subjectName: sequence(),
    notBefore,
    notAfter,
    publicKey,
    extensions,
  });
  return { pem: leaf + intermediatesOf(authority.certificatePem), serial: serial.toString("hex"), notBefore, notAfter };
}

/** A self-signed CA that may sign leaves only (pathlen 0). */
export function createAuthority({
  commonName,
  now,
  lifetimeMs,
}: {
  readonly commonName: string;
  readonly now: number;
  readonly lifetimeMs: number;
}): Authority {
  const key = generateKeyPem();
  const publicKey = createPublicKey(createPrivateKey(key.reveal()));
  const identifier = keyIdentifier(publicKey);
  const name = sequence(
    set(sequence(oid(oids.ORGANIZATION), utf8("podrole"))),
    set(sequence(oid(oids.COMMON_NAME), utf8(commonName))),
  );
  const extensions = sequence(
    extension(oids.BASIC_CONSTRAINTS, true, sequence(boolean(true), integer(Buffer.from([0])))),
    // keyCertSign and cRLSign.
    extension(oids.KEY_USAGE, true, bits(Buffer.from([0x06]), 1)),
    extension(oids.SUBJECT_KEY_IDENTIFIER, false, octets(identifier)),
    extension(oids.AUTHORITY_KEY_IDENTIFIER, false, sequence(taggedBytes(0, identifier))),
  );
  const notBefore = wholeSeconds(now - BACKDATE_MS);
  const notAfter = wholeSeconds(now + lifetimeMs);
  const fields = {
    serial: newSerial(),
    issuerName: name,
    subjectName: name,
    notBefore,
    notAfter,
    publicKey,
    extensions,
  };
  return { certificatePem: signCertificate({ key }, fields), key };
}

interface CertificateFields {
  readonly serial: Buffer;
  readonly issuerName: Der;
  readonly subjectName: Der;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly publicKey: KeyObject;
  readonly extensions: Der;
}

function signCertificate({ key }: Pick<Authority, "key">, fields: CertificateFields): string {
  const signingKey = createPrivateKey(key.reveal());
  const algorithm = () =>
    signingKey.asymmetricKeyType === "ec"
      ? sequence(oid(oids.ECDSA_WITH_SHA256))
      : sequence(oid(oids.RSA_WITH_SHA256), decodeOwn(Buffer.from([5, 0])));
  const toBeSigned = sequence(
    tagged(0, integer(Buffer.from([2]))),
    integer(fields.serial),
    algorithm(),
    fields.issuerName,
    sequence(time(fields.notBefore), time(fields.notAfter)),
    fields.subjectName,
    decodeOwn(fields.publicKey.export({ type: "spki", format: "der" })),
    tagged(3, fields.extensions),
  );
  const signature = sign("sha256", encode(toBeSigned), signingKey);
  return toPem("CERTIFICATE", encode(sequence(toBeSigned, algorithm(), bits(signature))));
}

function extension(id: string, critical: boolean, value: Der): Der {
  return critical ? sequence(oid(id), boolean(true), octets(encode(value))) : sequence(oid(id), octets(encode(value)));
}

function alternativeNames(subject: Subject): Der {
  if (subject.kind === "pod") return sequence(taggedBytes(6, Buffer.from(subject.uri, "ascii")));
  return sequence(
    ...subject.dnsNames.map((name) => taggedBytes(2, Buffer.from(name, "ascii"))),
    ...subject.ipAddresses.map((address) => taggedBytes(7, addressBytes(address))),
  );
}

/** Four bytes of IPv4 or sixteen of IPv6, by way of the URL parser's normal form. */
function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split(".").map(Number));
  const normal = new URL(`http://[${address}]`).hostname.slice(1, -1);
  const [head = "", tail] = normal.split("::");
  const groups = (text: string) => (text === "" ? [] : text.split(":"));
  const missing = tail === undefined ? 0 : 8 - groups(head).length - groups(tail).length;
  const all = [...groups(head), ...Array<string>(missing).fill("0"), ...groups(tail ?? "")];
  return Buffer.from(all.map((group) => group.padStart(4, "0")).join(""), "hex");
}

/** 128 random bits, positive (RFC 5280 §4.1.2.2 wants up to 20 octets, CA/Browser Forum 64 bits of entropy). */
function newSerial(): Buffer {
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  return serial;
}

/** RFC 5280 §4.2.1.2 method 1: SHA-1 of the key bits. An identifier, not a protection. */
function keyIdentifier(publicKey: KeyObject): Buffer {
  const [, keyBits] = parts(decodeOwn(publicKey.export({ type: "spki", format: "der" }))) ?? [];
  return createHash("sha1")
    .update((content(keyBits) ?? Buffer.alloc(1)).subarray(1))
    .digest();
}

function authorityKeyIdentifier(issuer: X509Certificate): Buffer {
  const declared = extensionOf(issuer.raw, oids.SUBJECT_KEY_IDENTIFIER);
  return content(declared) ?? keyIdentifier(issuer.publicKey);
}

/** The issuer's subject, byte for byte as it stands in its certificate. */
function nameOf(certificate: X509Certificate): Der {
  return fieldsOf(certificate.raw)[5] ?? sequence();
}

/** The fields of a version 3 certificate: [0] version, serial, algorithm, issuer, validity, subject, key, … */
function fieldsOf(raw: Uint8Array): Der[] {
  return parts(parts(decode(raw))?.[0]) ?? [];
}

/** The decoded value of one extension; undefined when it is absent. */
export function extensionOf(raw: Uint8Array, id: string): Der | undefined {
  const wrapper = fieldsOf(raw).find((field) => hasTag(field, 3));
  for (const entry of parts(parts(wrapper)?.[0]) ?? []) {
    const fields = parts(entry) ?? [];
    if (fields[0] && encode(fields[0]).equals(encode(oid(id))))
      return decode(content(fields.at(-1)) ?? Buffer.alloc(0));
  }
  return undefined;
}

function decodeOwn(bytes: Buffer): Der {
  const der = decode(bytes);
  if (der === undefined) throw new TypeError("node:crypto exported something that is not DER");
  return der;
}

function intermediatesOf(chainPem: string): string {
  const chain = chainPem.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  const isRoot = (pem: string) => {
    const certificate = new X509Certificate(pem);
    return certificate.checkIssued(certificate);
  };
  return chain
    .filter((pem) => !isRoot(pem))
    .map((pem) => `${pem}\n`)
    .join("");
}

function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}

/** End of validity of the first certificate of a PEM, Unix milliseconds. */
export function notAfterOf(pem: string): number {
  return Date.parse(new X509Certificate(pem).validTo);
}

export function notBeforeOf(pem: string): number {
  return Date.parse(new X509Certificate(pem).validFrom);
}
