// A CA of the operator's own (openssl, cert-manager, Vault). It is checked before it signs anything, because every
// mistake would otherwise show as a failed TLS handshake in every pod. Messages never contain any part of the key.

import { createPrivateKey, type KeyObject, type X509Certificate } from "node:crypto";
import { failure, type Result, success } from "../runtime/result.ts";
import type { Secret } from "../runtime/secret.ts";
import { readCertificates } from "./bundle.ts";
import type { Authority } from "./certificate.ts";
import { isIssuedBy } from "./chain.ts";
import { findKeyProblem } from "./keys.ts";
import { ANY_EXTENDED_KEY_USAGE, CLIENT_AUTH, SERVER_AUTH } from "./oids.ts";

/**
 * Reads a CA from its certificate file and key file; the problem is why it cannot sign. The file contains
 * the signing CA first, then each one's issuer up to a self-signed root: by default OpenSSL accepts no other end of a
 * chain as trust anchor. Further roots belong to CAs that sign later or signed before: they are trusted, but are no
 * part of the authority. `now` is Unix milliseconds.
 */
export function readAuthority(certificatePem: string, key: Secret, now: number): Result<Authority> {
  const certificates = readCertificates(certificatePem);
  const [signing] = certificates;
  const length = certificates.findIndex(isRoot) + 1 || certificates.length;
  const [chain, others] = [certificates.slice(0, length), certificates.slice(length)];
  if (signing === undefined) return failure("the certificate file has no certificate; expected PEM");
  const chainProblem = chain
    .map((certificate) => findAuthorityProblem(certificate, now))
    .find((reason) => reason !== undefined);
  if (chainProblem !== undefined) return failure(chainProblem);
  if (!chain.every((certificate, at) => isIssuedBy(certificate, chain[at + 1] ?? certificate))) {
    return failure(
      "the certificates are not a chain; expected the signing CA, then each one's issuer up to a self-signed root",
    );
  }
  // Their validity is not checked: the expiry of a CA that only verifies must not stop the signing.
  const unexpected = others.find((certificate) => !certificate.ca || !isRoot(certificate));
  if (unexpected !== undefined) {
    return failure(`${describeCertificate(unexpected)} follows the root; expected only self-signed CAs after it`);
  }
  const problem = findKeyPairProblem(signing, key);
  return problem === undefined ? success({ certificatePem: chain.join(""), key }) : failure(problem);
}

/** Returns why `key` cannot sign for the CA with this certificate; undefined if it can. */
export function findKeyPairProblem(certificate: X509Certificate, key: Secret): string | undefined {
  const privateKey = parseKey(key);
  if (privateKey === undefined) return "the key is not readable; expected a private key in PEM without a passphrase";
  if (!certificate.checkPrivateKey(privateKey))
    return "the key does not belong to the certificate; expected the CA's own";
  return findKeyProblem(certificate.publicKey, ["prime256v1", "secp384r1"]);
}

function findAuthorityProblem(certificate: X509Certificate, now: number): string | undefined {
  const { ca, validFrom, validTo, validFromDate, validToDate, keyUsage: purposes } = certificate;
  const name = describeCertificate(certificate);
  // OpenSSL's criterion: CA:TRUE, and keyCertSign if there is a KeyUsage.
  if (!ca) return `${name} is not a CA certificate; expected CA:TRUE and keyCertSign`;
  if (validToDate.getTime() <= now) return `${name} expired at ${validTo}; expected a valid one`;
  if (validFromDate.getTime() > now) return `${name} is only valid from ${validFrom}; expected a valid one`;
  // node:crypto's keyUsage is the extended key usage. In a CA it limits the leaves as well.
  const isLimited = purposes && !purposes.includes(ANY_EXTENDED_KEY_USAGE);
  if (isLimited && !(purposes.includes(CLIENT_AUTH) && purposes.includes(SERVER_AUTH))) {
    return `${name} limits the purposes of its leaves; expected clientAuth and serverAuth`;
  }
  return undefined;
}

function describeCertificate({ subject }: X509Certificate): string {
  return `the certificate of "${subject?.replaceAll("\n", ", ")}"`;
}

function isRoot(certificate: X509Certificate): boolean {
  return isIssuedBy(certificate, certificate);
}

function parseKey(key: Secret): KeyObject | undefined {
  try {
    return createPrivateKey(key.reveal());
  } catch {
    return undefined;
  }
}
