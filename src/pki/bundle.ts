// Trust bundles: CA certificates as one PEM text in an order that does not depend on its author, and a hash by which
// two sides find out that they have the same bundle. Nothing is verified here: the source of a bundle is trusted.
import { createHash, X509Certificate } from "node:crypto";

/** The key of a bundle in its ConfigMap. */
export const BUNDLE_KEY = "bundle.pem";

const PEM_BLOCK = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

/**
 * Returns the certificates of a PEM text in their order, each as normalised PEM. Anything that is not a certificate is
 * dropped.
 */
export function splitBundle(pem: string): string[] {
  return readCertificates(pem).map(String);
}

/** Joins PEM texts into one bundle: each certificate once, sorted by its bytes. */
export function joinBundle(pems: readonly string[]): string {
  return distinctCertificates(pems.flatMap(readCertificates)).join("");
}

/**
 * Returns SHA-256 over the DER of the distinct certificates in sorted order, hex; the empty text for an empty bundle.
 */
export function bundleHash(pem: string): string {
  const certificates = distinctCertificates(readCertificates(pem));
  if (certificates.length === 0) return "";
  const hash = createHash("sha256");
  for (const { raw } of certificates) hash.update(raw);
  return hash.digest("hex");
}

/** Reports whether a CA of the bundle signed the first certificate of `certificatePem`. Validity is not checked. */
export function isIssuedFrom(certificatePem: string, bundlePem: string): boolean {
  const [certificate] = readCertificates(certificatePem);
  return (
    certificate !== undefined &&
    readCertificates(bundlePem).some((ca) => certificate.checkIssued(ca) && certificate.verify(ca.publicKey))
  );
}

/** Returns the certificates of a PEM text in their order. Anything that is not a certificate is dropped. */
export function readCertificates(pem: string): X509Certificate[] {
  return (pem.match(PEM_BLOCK) ?? []).flatMap((block) => {
    try {
      return [new X509Certificate(block)];
    } catch {
      return [];
    }
  });
}

function distinctCertificates(certificates: readonly X509Certificate[]): X509Certificate[] {
  const sorted = certificates.toSorted((a, b) => a.raw.compare(b.raw));
  return sorted.filter((certificate, at) => !sorted[at - 1]?.raw.equals(certificate.raw));
}

/**
 * Returns the end of validity of the first certificate of `pem`, Unix milliseconds. Throws OpenSSL's error if there is
 * none.
 */
export function notAfterOf(pem: string): number {
  return new X509Certificate(pem).validToDate.getTime();
}

/** Returns the start of validity of the first certificate of `pem`, Unix milliseconds. Throws as notAfterOf() does. */
export function notBeforeOf(pem: string): number {
  return new X509Certificate(pem).validFromDate.getTime();
}

/** Clocks of nodes differ, so a certificate is valid from a little before its issue. Milliseconds. */
export const BACKDATE_MS = 5 * 60_000;

/**
 * Returns for how many milliseconds a leaf certificate that podrole has just issued is valid, counted on the receiver's
 * clock, which shows `now` (Unix milliseconds). A clock outside the certificate's validity disagrees with the server's,
 * so that the whole lifetime, which the server's clock alone determines, counts from now. Throws OpenSSL's error
 * without a certificate.
 */
export function remainingLifetimeMs(certificatePem: string, now: number): number {
  const notAfter = notAfterOf(certificatePem);
  const notBefore = notBeforeOf(certificatePem);
  const lifetimeMs = Math.max(notAfter - notBefore - BACKDATE_MS, 0);
  return now < notBefore || now >= notAfter ? lifetimeMs : Math.min(notAfter - now, lifetimeMs);
}
