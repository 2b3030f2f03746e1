// Certificates that podrole issues (RFC 5280), for one pod instance or for serving TLS under podrole's own names, and
// the CAs that sign them. The caller has decided on the subject: only the key of a request is used. node:crypto signs.
import { createPrivateKey, createPublicKey, type KeyObject, randomBytes, sign, X509Certificate } from "node:crypto";
import { PodroleError } from "../protocol/errors.ts";
import { formatSeconds } from "../runtime/clock.ts";
import type { Secret } from "../runtime/secret.ts";
import { BACKDATE_MS, readCertificates } from "./bundle.ts";
import { bits, type Der, encodeDer, integer, oid, sequence, set, tagged, time, utf8 } from "./der.ts";
import {
  authorityExtensions,
  certificateFields,
  issuerKeyIdentifier,
  leafExtensions,
  publicKeyInfoOf,
} from "./extensions.ts";
import { generateKeyPem, signatureScheme } from "./keys.ts";
import { COMMON_NAME, ORGANIZATION } from "./oids.ts";
import type { Subject } from "./subject.ts";

export type { Subject } from "./subject.ts";

/** A CA that signs. `certificatePem` starts with its own certificate; the chain up to a root may follow. */
export interface Authority {
  readonly certificatePem: string;
  readonly key: Secret;
}

/** Times are Unix milliseconds; `serial` is upper-case hex, as OpenSSL and node:crypto print it. */
export interface IssuedCertificate {
  /** The leaf, followed by the intermediates that a peer needs to reach a root (none below a CA of podrole's). */
  readonly pem: string;
  readonly serial: string;
  readonly notBefore: number;
  readonly notAfter: number;
}

/** What to issue. */
export interface CertificateRequest {
  readonly authority: Authority;
  readonly publicKey: KeyObject;
  readonly subject: Subject;
  /** Unix milliseconds. */
  readonly now: number;
  readonly lifetimeMs: number;
  /** How long before now the certificate's validity begins, in milliseconds; default 5 minutes. */
  readonly backdateMs?: number;
  /** A certificate whose validity the new one has as well. */
  readonly covers?: Validity | undefined;
}

/** When a certificate is valid: Unix milliseconds. */
export type Validity = Pick<IssuedCertificate, "notBefore" | "notAfter">;

/**
 * Issues a certificate for `subject`, valid from `backdateMs` before now until `lifetimeMs` from now, and longer if it
 * has to cover another one, but never outside the validity of the CA and its chain. Throws PodroleError
 * AUTHORITY_UNAVAILABLE if no validity is left.
 */
export function issueCertificate({
  authority,
  publicKey,
  subject,
  now,
  lifetimeMs,
  backdateMs = BACKDATE_MS,
  covers = { notBefore: now, notAfter: now },
}: CertificateRequest): IssuedCertificate {
  const { chain, issuer, issuerName, signingKey, keyIdentifier } = signerOf(authority);
  const notBefore = wholeSeconds(
    Math.max(
      Math.min(now - backdateMs, covers.notBefore),
      ...chain.map((certificate) => certificate.validFromDate.getTime()),
    ),
  );
  const notAfter = wholeSeconds(
    Math.min(
      Math.max(now + lifetimeMs, covers.notAfter),
      ...chain.map((certificate) => certificate.validToDate.getTime()),
    ),
  );
  if (notAfter <= now) throw caUnusable(`it is only valid until ${issuer.validTo}`);
  if (notAfter <= notBefore) {
    const state = `it is only valid from ${formatSeconds(notBefore)}, and this machine's clock shows ${formatSeconds(now)}`;
    throw caUnusable(`${state}; expected clocks that agree`);
  }
  const serial = newSerial();
  const publicKeyInfo = publicKeyInfoOf(publicKey);
  const leaf = signCertificate(signingKey, {
    serial,
    issuerName,
    subjectName: sequence(),
    notBefore,
    notAfter,
    publicKeyInfo,
    extensions: leafExtensions(subject, publicKeyInfo, keyIdentifier),
  });
  const intermediates = chain.filter((certificate) => !certificate.checkIssued(certificate));
  return { pem: [leaf, ...intermediates].join(""), serial: serial.toString("hex").toUpperCase(), notBefore, notAfter };
}

/** What a CA signs with, and what its certificates say about it. */
interface CaMaterial {
  readonly chain: readonly X509Certificate[];
  readonly issuer: X509Certificate;
  readonly issuerName: Der;
  readonly signingKey: KeyObject;
  readonly keyIdentifier: Uint8Array;
}

/** By CA: a server signs with the same one for months, and reading it takes as long as the signature. */
const signers = new WeakMap<Authority, CaMaterial>();

function signerOf(authority: Authority): CaMaterial {
  const signer = signers.get(authority) ?? readSigner(authority);
  signers.set(authority, signer);
  return signer;
}

function readSigner({ certificatePem, key }: Authority): CaMaterial {
  const chain = readCertificates(certificatePem);
  const [issuer] = chain;
  const issuerName = issuer && certificateFields(issuer.raw)[5];
  if (!issuer || !issuerName) throw caUnusable("its certificate cannot be read; expected PEM");
  const signingKey = createPrivateKey(key.reveal());
  return { chain, issuer, issuerName, signingKey, keyIdentifier: issuerKeyIdentifier(issuer) };
}

/** Which CA to create. */
export interface AuthorityRequest {
  readonly commonName: string;
  /** Unix milliseconds. */
  readonly now: number;
  readonly lifetimeMs: number;
}

/** Creates a P-256 key and its self-signed certificate, valid from 5 minutes before now until `lifetimeMs` from now. */
export function createAuthority({ commonName, now, lifetimeMs }: AuthorityRequest): Authority {
  const key = generateKeyPem();
  const privateKey = createPrivateKey(key.reveal());
  const publicKeyInfo = publicKeyInfoOf(createPublicKey(privateKey));
  const name = sequence(
    set(sequence(oid(ORGANIZATION), utf8("podrole"))),
    set(sequence(oid(COMMON_NAME), utf8(commonName))),
  );
  const certificate = signCertificate(privateKey, {
    serial: newSerial(),
    issuerName: name,
    subjectName: name,
    notBefore: wholeSeconds(now - BACKDATE_MS),
    notAfter: wholeSeconds(now + lifetimeMs),
    publicKeyInfo,
    extensions: authorityExtensions(publicKeyInfo),
  });
  return { certificatePem: certificate.toString(), key };
}

interface CertificateFields {
  readonly serial: Buffer;
  readonly issuerName: Der;
  readonly subjectName: Der;
  readonly notBefore: number;
  readonly notAfter: number;
  readonly publicKeyInfo: Der;
  readonly extensions: Der;
}

/** Signs a Certificate (RFC 5280 §4.1) and reads it back with OpenSSL. */
function signCertificate(signingKey: KeyObject, fields: CertificateFields): X509Certificate {
  const { algorithm, digest } = signatureScheme(signingKey);
  const toBeSigned = sequence(
    tagged(0, integer(2)),
    integer(...fields.serial),
    algorithm,
    fields.issuerName,
    sequence(time(fields.notBefore), time(fields.notAfter)),
    fields.subjectName,
    fields.publicKeyInfo,
    tagged(3, fields.extensions),
  );
  const signature = sign(digest, encodeDer(toBeSigned), signingKey);
  return new X509Certificate(encodeDer(sequence(toBeSigned, algorithm, bits(signature))));
}

/**
 * Returns 128 random bits after a fixed first byte: never zero, never negative, always 17 of the 20 octets that RFC
 * 5280 §4.1.2.2 allows, so that all tools print it alike.
 */
function newSerial(): Buffer {
  return Buffer.concat([Buffer.of(1), randomBytes(16)]);
}

/** Certificates have no fractions of a second (RFC 5280 §4.1.2.5). */
function wholeSeconds(ms: number): number {
  return Math.floor(ms / 1000) * 1000;
}

function caUnusable(state: string): PodroleError {
  return new PodroleError("AUTHORITY_UNAVAILABLE", `Cannot sign with the CA: ${state}`);
}
