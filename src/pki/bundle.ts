// Trust bundles: CA certificates as one PEM text in an order that does not depend on who wrote it, and a hash by which
// two sides find out that they hold the same. Nothing is verified here: whoever hands over a bundle is believed.
import { createHash, X509Certificate } from "node:crypto";

const BLOCK = /-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----/g;

/** The certificates of a PEM text in their order, one normal PEM each; whatever is not a certificate is left out. */
export function splitBundle(pem: string): string[] {
  return readCertificates(pem).map(String);
}

/** One bundle of several PEM texts: each certificate once, sorted by its bytes. */
export function joinBundle(pems: readonly string[]): string {
  return distinct(pems.flatMap(readCertificates)).join("");
}

/** SHA-256 over the DER of the distinct certificates in a fixed order, hex; the empty text for an empty bundle. */
export function bundleHash(pem: string): string {
  const certificates = distinct(readCertificates(pem));
  if (certificates.length === 0) return "";
  const hash = createHash("sha256");
  for (const { raw } of certificates) hash.update(raw);
  return hash.digest("hex");
}

/** Whether a CA of the bundle signed the first certificate of `certificatePem`. Validity is not looked at. */
export function isIssuedFrom(certificatePem: string, bundlePem: string): boolean {
  const [certificate] = readCertificates(certificatePem);
  return (
    certificate !== undefined &&
    readCertificates(bundlePem).some((ca) => certificate.checkIssued(ca) && certificate.verify(ca.publicKey))
  );
}

/** The certificates of a PEM text in their order; whatever is not a certificate is left out. */
export function readCertificates(pem: string): X509Certificate[] {
  return (pem.match(BLOCK) ?? []).flatMap((block) => {
    try {
      return [new X509Certificate(block)];
    } catch {
      return [];
    }
  });
}

function distinct(certificates: readonly X509Certificate[]): X509Certificate[] {
  const sorted = certificates.toSorted((a, b) => a.raw.compare(b.raw));
  return sorted.filter((certificate, at) => !sorted[at - 1]?.raw.equals(certificate.raw));
}

/** The end of validity of the first certificate of `pem`, Unix milliseconds. Throws OpenSSL's error if there is none. */
export function notAfterOf(pem: string): number {
  return new X509Certificate(pem).validToDate.getTime();
}

/** The start of validity of the first certificate of `pem`, Unix milliseconds. Throws as notAfterOf() does. */
export function notBeforeOf(pem: string): number {
  return new X509Certificate(pem).validFromDate.getTime();
}
