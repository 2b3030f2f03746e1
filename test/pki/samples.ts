// Certificates and requests for the tests: podrole's own through src/pki, odd ones written word by word with der.ts.
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  X509Certificate,
} from "node:crypto";
import { readFileSync } from "node:fs";
import { type Authority, createAuthority, issueCertificate, type Subject } from "../../src/pki/certificate.ts";
import {
  bits,
  type Der,
  decodeDer,
  encodeDer,
  integer,
  octets,
  oid,
  sequence,
  set,
  tagged,
  time,
  utf8,
  yes,
} from "../../src/pki/der.ts";
import { generateKeyPem, signatureScheme } from "../../src/pki/keys.ts";
import * as oids from "../../src/pki/oids.ts";
import { DAY_MS, HOUR_MS } from "../../src/runtime/clock.ts";
import { Secret } from "../../src/runtime/secret.ts";

export const SAMPLE_NOW = Date.UTC(2026, 10, 24, 12);

export const SAMPLE_POD = {
  trustDomain: "cluster.local",
  namespace: "shop",
  serviceAccount: "cart",
  name: "cart-7d4b9c-x2x7q",
  uid: "5c9f3c1e-2a64-4a3e-9d8c-0a1b2c3d4e5f",
} as const;
export const POD_URI = `spiffe://cluster.local/ns/shop/sa/cart/pod/cart-7d4b9c-x2x7q/${SAMPLE_POD.uid}`;
export const POD_SUBJECT: Subject = { kind: "pod", uri: POD_URI };

export const publicKeyOf = (key: Secret): KeyObject => createPublicKey(createPrivateKey(key.reveal()));

/** A CA of a year's life, made at `now`. */
export const newAuthority = (now = SAMPLE_NOW, commonName = "podrole CA"): Authority =>
  createAuthority({ commonName, now, lifetimeMs: 365 * DAY_MS });

/** A leaf of an hour's life with its key. */
export function newLeaf(authority: Authority, subject: Subject = POD_SUBJECT, now = SAMPLE_NOW) {
  const key = generateKeyPem();
  const issued = issueCertificate({ authority, publicKey: publicKeyOf(key), subject, now, lifetimeMs: HOUR_MS });
  return { key, ...issued, certificate: new X509Certificate(issued.pem) };
}

/** A private key as PKCS #8 PEM; kinds as OpenSSL names them. */
export function newKey(kind: "prime256v1" | "secp384r1" | "secp521r1" | "rsa" | "ed25519"): Secret {
  const privateKeyEncoding = { type: "pkcs8", format: "pem" } as const;
  const publicKeyEncoding = { type: "spki", format: "der" } as const;
  const encodings = { privateKeyEncoding, publicKeyEncoding };
  if (kind === "rsa") return new Secret(generateKeyPairSync("rsa", { modulusLength: 2048, ...encodings }).privateKey);
  if (kind === "ed25519") return new Secret(generateKeyPairSync("ed25519", encodings).privateKey);
  return new Secret(generateKeyPairSync("ec", { namedCurve: kind, ...encodings }).privateKey);
}

export const extension = (id: string, value: Der, critical = false): Der =>
  critical ? sequence(oid(id), yes(), octets(encodeDer(value))) : sequence(oid(id), octets(encodeDer(value)));

export const caConstraints = (): Der => extension(oids.BASIC_CONSTRAINTS, sequence(yes()), true);

export const nameOf = (commonName: string): Der => sequence(set(sequence(oid(oids.COMMON_NAME), utf8(commonName))));

export const spki = (key: Secret): Der =>
  decodeDer(publicKeyOf(key).export({ type: "spki", format: "der" })) ?? sequence();

/** Any version 3 certificate of `key` by `issuer`, with exactly these extensions. */
export function oddCertificate({
  name = "odd",
  key,
  issuer = { name, key },
  extensions,
  notBefore = SAMPLE_NOW - HOUR_MS,
  notAfter = SAMPLE_NOW + 365 * DAY_MS,
}: {
  readonly name?: string;
  readonly key: Secret;
  /** `name`: a common name, or the whole name. */
  readonly issuer?: { readonly name: string | Der; readonly key: Secret };
  readonly extensions: readonly Der[];
  readonly notBefore?: number;
  readonly notAfter?: number;
}): string {
  const signingKey = createPrivateKey(issuer.key.reveal());
  const isEdwards = signingKey.asymmetricKeyType === "ed25519";
  const scheme = signatureScheme(signingKey);
  const algorithm = isEdwards ? sequence(oid("1.3.101.112")) : scheme.algorithm;
  const info = sequence(
    tagged(0, integer(2)),
    integer(42),
    algorithm,
    typeof issuer.name === "string" ? nameOf(issuer.name) : issuer.name,
    sequence(time(notBefore), time(notAfter)),
    nameOf(name),
    spki(key),
    tagged(3, sequence(...extensions)),
  );
  const signature = sign(isEdwards ? undefined : scheme.digest, encodeDer(info), signingKey);
  return new X509Certificate(encodeDer(sequence(info, algorithm, bits(signature)))).toString();
}

export function readFixture(path: string): Buffer {
  const text = readFileSync(new URL(`fixtures/${path}.pem`, import.meta.url), "utf8");
  return Buffer.from(text.replaceAll(/-----[^-]+-----/g, ""), "base64");
}
