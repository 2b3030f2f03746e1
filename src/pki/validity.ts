// When a certificate is valid. Apart from certificate.ts, so that a program that only watches expiry loads no ASN.1.
import { X509Certificate } from "node:crypto";

/** End of validity of the first certificate of `pem`, Unix milliseconds. Throws OpenSSL's error when there is none. */
export function notAfterOf(pem: string): number {
  return new X509Certificate(pem).validToDate.getTime();
}

/** Start of validity of the first certificate of `pem`, Unix milliseconds. Throws as notAfterOf() does. */
export function notBeforeOf(pem: string): number {
  return new X509Certificate(pem).validFromDate.getTime();
}
