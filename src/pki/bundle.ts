// Trust bundles: CA certificates as one PEM text, in an order that does not depend on who wrote it, and a hash by which
// two sides find out that they hold the same.
import { createHash, X509Certificate } from "node:crypto";

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

/** The certificates of a PEM text, one PEM each; whatever is not one is left out. */
export function splitBundle(pem: string): string[] {
  return (pem.match(CERTIFICATE) ?? []).filter(isCertificate).map((one) => `${one}\n`);
}

/** One bundle of several PEM texts: each certificate once, sorted by fingerprint. */
export function joinBundle(pems: readonly string[]): string {
  const byFingerprint = new Map(pems.flatMap(splitBundle).map((pem) => [new X509Certificate(pem).fingerprint256, pem]));
  return [...byFingerprint]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, pem]) => pem)
    .join("");
}

/** SHA-256 over the certificates, hex; the empty text for an empty bundle. */
export function bundleHash(pem: string): string {
  const certificates = splitBundle(joinBundle([pem]));
  if (certificates.length === 0) return "";
  const hash = createHash("sha256");
  for (const certificate of certificates) hash.update(new X509Certificate(certificate).raw);
  return hash.digest("hex");
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}
