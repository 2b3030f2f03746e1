// A CA of the operator's own (openssl, cert-manager, Vault): checked before it signs anything, because every mistake
// here would show as a failed TLS handshake in every pod. Says what is wrong, never any part of the key.
import { createPrivateKey, type KeyObject, type X509Certificate } from "node:crypto";
import type { Secret } from "../runtime/secret.ts";
import { readCertificates } from "./bundle.ts";
import type { Authority } from "./certificate.ts";
import { refuseKey } from "./keys.ts";
import { ANY_EXTENDED_KEY_USAGE, CLIENT_AUTH, SERVER_AUTH } from "./oids.ts";

/**
 * The CA of a certificate file and its key file, or the words why it cannot sign. The file has the signing CA first,
 * then each one's issuer up to a self-signed root: OpenSSL's default accepts no other end of a chain as trust anchor.
 * Roots that follow belong to CAs that sign later or signed before: they are to be believed, and are no part of the
 * authority. `now` is Unix milliseconds.
 */
export function readAuthority(certificatePem: string, key: Secret, now: number): Authority | string {
  const certificates = readCertificates(certificatePem);
  const [signing] = certificates;
  const length = certificates.findIndex(isRoot) + 1 || certificates.length;
  const [chain, others] = [certificates.slice(0, length), certificates.slice(length)];
  if (signing === undefined) return "the certificate file has no certificate, wanted PEM";
  const refused = chain.map((one) => refuseCertificate(one, now)).find((reason) => reason !== undefined);
  if (refused !== undefined) return refused;
  if (!chain.every((one, at) => isIssuedBy(one, chain[at + 1] ?? one))) {
    return "the certificates form no chain, wanted the signing CA, then each one's issuer up to a self-signed root";
  }
  // Their time is not looked at: one that ends while it stands there must not end the signing.
  const stranger = others.find((one) => !one.ca || !isRoot(one));
  if (stranger !== undefined) return `${nameOf(stranger)} stands behind the root, wanted self-signed CAs alone there`;
  return refusePair(signing, key) ?? { certificatePem: chain.join(""), key };
}

/** Why `key` cannot sign for the CA with this certificate, undefined when it can. */
export function refusePair(certificate: X509Certificate, key: Secret): string | undefined {
  const privateKey = parseKey(key);
  if (privateKey === undefined) return "the key is not readable, wanted a private key in PEM without a passphrase";
  if (!certificate.checkPrivateKey(privateKey))
    return "the key does not belong to the certificate, wanted the CA's own";
  return refuseKey(certificate.publicKey, ["prime256v1", "secp384r1"]);
}

function refuseCertificate(certificate: X509Certificate, now: number): string | undefined {
  const { ca, validFrom, validTo, validFromDate, validToDate, keyUsage: purposes } = certificate;
  const name = nameOf(certificate);
  // OpenSSL's word: CA:TRUE, and keyCertSign where there is a KeyUsage.
  if (!ca) return `${name} is not a CA's, wanted CA:TRUE and keyCertSign`;
  if (validToDate.getTime() <= now) return `${name} expired at ${validTo}, wanted a valid one`;
  if (validFromDate.getTime() > now) return `${name} is valid from ${validFrom} on only, wanted a valid one`;
  // node:crypto's keyUsage is the extended one. In a CA it limits the leaves as well.
  const isLimited = purposes && !purposes.includes(ANY_EXTENDED_KEY_USAGE);
  if (isLimited && !(purposes.includes(CLIENT_AUTH) && purposes.includes(SERVER_AUTH))) {
    return `${name} limits its leaves' purposes, wanted clientAuth and serverAuth`;
  }
  return undefined;
}

function nameOf({ subject }: X509Certificate): string {
  return `the certificate of "${subject?.replaceAll("\n", ", ")}"`;
}

function isRoot(certificate: X509Certificate): boolean {
  return isIssuedBy(certificate, certificate);
}

function isIssuedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey);
}

function parseKey(key: Secret): KeyObject | undefined {
  try {
    return createPrivateKey(key.reveal());
  } catch {
    return undefined;
  }
}
