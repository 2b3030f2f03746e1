// Verifies a certificate against the current trust bundle. TLS verifies a peer once, when its connection opens:
// since then the certificate may have expired and its CA may have left the bundle. (RFC 5280 §6.1)
import { X509Certificate } from "node:crypto";
import { type Refusal, refuse } from "../protocol/errors.ts";

/**
 * Returns why a peer's leaf certificate (DER) is not acceptable at `now` (Unix milliseconds), as CERTIFICATE_REJECTED;
 * undefined if it is: it is valid, and a chain of signatures leads from it through CAs of the bundle, all of them
 * valid, to a self-signed one. Names and key identifiers only choose the signatures to check. Intermediate CAs that the
 * peer presented do not count: the bundle has those of podrole's own chain. Never throws.
 */
export function refuseChain(
  certificateDer: Uint8Array,
  authorities: readonly X509Certificate[],
  now: number,
): Refusal | undefined {
  const leaf = parseCertificateDer(certificateDer);
  if (leaf === undefined) return clientCertificateRejected("it cannot be parsed; expected DER");
  if (now > leaf.validToDate.getTime())
    return clientCertificateRejected(`it expired at ${formatDate(leaf.validToDate)}; expected a valid one`);
  if (now < leaf.validFromDate.getTime()) {
    return clientCertificateRejected(`it is only valid from ${formatDate(leaf.validFromDate)}; expected a valid one`);
  }
  const trusted = authorities.filter((authority) => authority.ca && isValidAt(authority, now));
  return leadsToRoot(leaf, trusted)
    ? undefined
    : clientCertificateRejected("no CA of the trust bundle signed it; expected one that did");
}

/** Each CA is used at most once, so that CAs that sign each other end the search. */
function leadsToRoot(certificate: X509Certificate, trusted: readonly X509Certificate[]): boolean {
  return trusted.some((authority) => {
    if (!isIssuedBy(certificate, authority)) return false;
    if (isSelfSigned(authority)) return true;
    return leadsToRoot(
      authority,
      trusted.filter((other) => other !== authority),
    );
  });
}

/** By CA, because callers are verified against the same few again and again, and a signature does not change. */
const selfSigned = new WeakMap<X509Certificate, boolean>();

function isSelfSigned(authority: X509Certificate): boolean {
  const known = selfSigned.get(authority) ?? isIssuedBy(authority, authority);
  selfSigned.set(authority, known);
  return known;
}

/** Reports whether an authority's key signed the certificate, and the names agree. */
export function isIssuedBy(certificate: X509Certificate, authority: X509Certificate): boolean {
  return certificate.checkIssued(authority) && certificate.verify(authority.publicKey);
}

/**
 * Reports whether the time (Unix milliseconds) lies within the certificate's validity, whose ends belong to it (RFC
 * 5280 §4.1.2.5).
 */
export function isValidAt({ validFromDate, validToDate }: X509Certificate, now: number): boolean {
  return validFromDate.getTime() <= now && now <= validToDate.getTime();
}

function parseCertificateDer(der: Uint8Array): X509Certificate | undefined {
  try {
    return new X509Certificate(der);
  } catch {
    return undefined;
  }
}

function formatDate(date: Date): string {
  return date.toISOString();
}

function clientCertificateRejected(state: string): Refusal {
  return refuse("CERTIFICATE_REJECTED", `Cannot accept the client certificate: ${state}`);
}
