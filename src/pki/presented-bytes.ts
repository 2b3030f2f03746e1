// How many bytes a pod's TLS client sends to prove its key, by the CAs that the server trusts: its certificate, and the
// intermediates between it and the root. Instead of a root it sends a short certificate (presented-chain.ts).
import type { X509Certificate } from "node:crypto";
import { CHAIN_END_BYTES } from "../protocol/presented-chain.ts";
import { readCertificates } from "./bundle.ts";

/** Of a namespace, a ServiceAccount and a pod, as Kubernetes limits them. */
const LONGEST_NAMES_BYTES = 63 + 253 + 253;

/**
 * The pod's certificate without its issuer and signature, about 370 bytes and the names in its SPIFFE ID; the signature
 * of the handshake, and what TLS adds to each message.
 */
const POD_BYTES = 700 + LONGEST_NAMES_BYTES;

/** Bytes of an AttributeTypeAndValue around its text (RFC 5280 §4.1.2.4). */
const ATTRIBUTE_BYTES = 11;

/**
 * Returns how many bytes ordinary clients send at most after the server's first answer until the handshake is complete,
 * if a CA of the bundle has issued their certificates.
 */
export function presentedBytes(bundlePem: string): number {
  const authorities = readCertificates(bundlePem);
  const ofIssuer = (issuer: X509Certificate) => certificateBytes(issuer, authorities) + bytesInLeaf(issuer);
  return POD_BYTES + Math.max(0, ...authorities.map(ofIssuer));
}

/** What follows the pod's certificate: its issuer and those between it and the root, or what stands for none. */
function certificateBytes(issuer: X509Certificate, authorities: readonly X509Certificate[]): number {
  if (issuer.checkIssued(issuer)) return CHAIN_END_BYTES;
  let bytes = issuer.raw.length;
  const left = new Set(authorities);
  for (let last = issuer; left.delete(last); ) {
    const next = [...left].find((other) => last.checkIssued(other) && !other.checkIssued(other));
    if (next === undefined) break;
    bytes += next.raw.length;
    last = next;
  }
  return bytes;
}

/** The issuer's name and signature in the certificate of the pod. */
function bytesInLeaf({ subject, publicKey }: X509Certificate): number {
  const attributes = subject.split("\n");
  return Buffer.byteLength(subject) + ATTRIBUTE_BYTES * attributes.length + maxSignatureBytes(publicKey);
}

/** RFC 8017 §8.2; RFC 3279 §2.2.3 for ECDSA: two integers and the bytes around them. */
function maxSignatureBytes({ asymmetricKeyDetails: { modulusLength, namedCurve } = {} }: X509Certificate["publicKey"]) {
  if (modulusLength !== undefined) return modulusLength / 8;
  return namedCurve === "secp384r1" ? 104 : 72;
}
