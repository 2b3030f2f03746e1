// A CA of the operator's own: checked before it signs anything.
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import type { Secret } from "../runtime/secret.ts";
import { splitBundle } from "./bundle.ts";
import type { Authority } from "./certificate.ts";
import { refuseKey } from "./keys.ts";

/** The CA of a certificate file (chain allowed, signing CA first) and its key file, or the words why it cannot sign. */
export function readAuthority(certificatePem: string, key: Secret, now: number): Authority | string {
  const [first] = splitBundle(certificatePem);
  if (first === undefined) return "the certificate file has no certificate in PEM";
  const certificate = new X509Certificate(first);
  if (!certificate.ca) return `the certificate of ${certificate.subject} is not a CA's (basicConstraints CA:TRUE)`;
  if (Date.parse(certificate.validTo) <= now) return `the CA's certificate expired at ${certificate.validTo}`;
  const privateKey = parseKey(key);
  if (privateKey === undefined) return "the key file has no private key in PEM (an encrypted one cannot be used)";
  if (!certificate.checkPrivateKey(privateKey)) return "the key does not belong to the certificate";
  const refused = refuseKey(certificate.publicKey);
  return refused ?? { certificatePem, key };
}

function parseKey(key: Secret): KeyObject | undefined {
  try {
    return createPrivateKey(key.reveal());
  } catch {
    return undefined;
  }
}
