// Certificate extensions (RFC 5280 §4.2): the ones that podrole writes, critical or not as the RFC requires, and a
// reader for the extensions of any certificate, byte by byte.
import { createHash, type KeyObject } from "node:crypto";
import {
  bits,
  type Der,
  decodeDer,
  encodeDer,
  fields,
  hasTag,
  integer,
  isSameDer,
  octets,
  oid,
  sequence,
  taggedBytes,
  wholeBits,
  wholeOctets,
  yes,
} from "./der.ts";
import * as oids from "./oids.ts";
import { alternativeNames, type Subject } from "./subject.ts";

/** Returns the extensions of a leaf whose key only signs. */
export function leafExtensions(subject: Subject, publicKeyInfo: Der, issuerKeyIdentifier: Uint8Array): Der {
  const purpose = subject.kind === "pod" ? oids.CLIENT_AUTH : oids.SERVER_AUTH;
  return sequence(
    criticalExtension(oids.BASIC_CONSTRAINTS, sequence()),
    // digitalSignature: TLS 1.3 and ECDHE need no other use of the key.
    criticalExtension(oids.KEY_USAGE, bits(Buffer.of(0b1000_0000), 7)),
    plainExtension(oids.EXTENDED_KEY_USAGE, sequence(oid(purpose))),
    plainExtension(oids.SUBJECT_KEY_IDENTIFIER, octets(keyIdentifier(publicKeyInfo))),
    plainExtension(oids.AUTHORITY_KEY_IDENTIFIER, sequence(taggedBytes(0, issuerKeyIdentifier))),
    // Critical because the subject is empty (§4.2.1.6).
    criticalExtension(oids.SUBJECT_ALT_NAME, alternativeNames(subject)),
  );
}

/** Returns the extensions of a self-signed CA that signs only leaves (path length 0). */
export function authorityExtensions(publicKeyInfo: Der): Der {
  const identifier = keyIdentifier(publicKeyInfo);
  return sequence(
    criticalExtension(oids.BASIC_CONSTRAINTS, sequence(yes(), integer(0))),
    // keyCertSign and cRLSign.
    criticalExtension(oids.KEY_USAGE, bits(Buffer.of(0b0000_0110), 1)),
    plainExtension(oids.SUBJECT_KEY_IDENTIFIER, octets(identifier)),
    plainExtension(oids.AUTHORITY_KEY_IDENTIFIER, sequence(taggedBytes(0, identifier))),
  );
}

const criticalExtension = (id: string, value: Der): Der => sequence(oid(id), yes(), octets(encodeDer(value)));
const plainExtension = (id: string, value: Der): Der => sequence(oid(id), octets(encodeDer(value)));

/** RFC 7093 §2 method 1: the first 160 bits of SHA-256 over the bits of the key. */
function keyIdentifier(publicKeyInfo: Der): Buffer {
  const [, keyBits] = fields(publicKeyInfo) ?? [];
  return createHash("sha256")
    .update(wholeBits(keyBits) ?? "")
    .digest()
    .subarray(0, 20);
}

/** Returns the SubjectPublicKeyInfo (RFC 5280 §4.1.2.7). Throws for a key that cannot be exported. */
export function publicKeyInfoOf(publicKey: KeyObject): Der {
  const info = decodeDer(publicKey.export({ type: "spki", format: "der" }));
  if (info === undefined)
    throw new Error("Cannot encode a public key: it does not export as DER; expected ECDSA or RSA");
  return info;
}

/**
 * Returns the AuthorityKeyIdentifier for leaves of this issuer: the identifier that the issuer declares, otherwise one
 * computed from its key.
 */
export function issuerKeyIdentifier(issuer: { readonly raw: Uint8Array; readonly publicKey: KeyObject }): Buffer {
  const [declared] = readExtensions(issuer.raw)(oids.SUBJECT_KEY_IDENTIFIER);
  return wholeOctets(declared) ?? keyIdentifier(publicKeyInfoOf(issuer.publicKey));
}

/**
 * Returns the fields of a version 3 certificate: [0] version, serial, algorithm, issuer, validity, subject, key, [3]
 * extensions.
 */
export function certificateFields(raw: Uint8Array): readonly Der[] {
  return fields(fields(decodeDer(raw))?.[0]) ?? [];
}

/**
 * Returns a function that finds the values of all extensions with one identifier (dotted): none if it is absent or the
 * certificate (DER) cannot be read, undefined in place of a value that is not DER. More than one violates RFC 5280
 * §4.2; the caller refuses that.
 */
export function readExtensions(raw: Uint8Array): (id: string) => readonly (Der | undefined)[] {
  const wrappers = certificateFields(raw).filter((field) => hasTag(field, 3));
  const extensions = wrappers
    .flatMap((wrapper) => fields(wrapperValue(wrapper)) ?? [])
    .map((extension) => fields(extension) ?? []);
  return (id) =>
    extensions
      .filter((parts) => isSameDer(parts[0], oid(id)))
      .map((parts) => decodeDer(wholeOctets(parts.at(-1)) ?? NO_BYTES));
}

const NO_BYTES = new Uint8Array();

/** [3] EXPLICIT contains one value. */
function wrapperValue(wrapper: Der): Der | undefined {
  return Array.isArray(wrapper.value) && wrapper.value.length === 1 ? wrapper.value[0] : undefined;
}
