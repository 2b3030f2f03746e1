// What the bare servers of this folder read from the file that their argument names: a CA, a serving certificate, and
// the answers of podrole's own programs, so that both send the same bytes.
import { createPublicKey } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { createAuthority, issueCertificate, type Subject } from "../../../src/pki/certificate.ts";
import { generateKeyPem } from "../../../src/pki/keys.ts";
import type { ClientIdentity } from "../../../src/protocol/client.ts";
import type { TlsSource } from "../../../src/protocol/tls.ts";
import { HOUR_MS } from "../../../src/runtime/clock.ts";
import { Secret } from "../../../src/runtime/secret.ts";

/** The name in the certificate of a bare server. */
export const BARE_NAME = "bare.podrole.io";

/** The content of the file. */
interface BareFile {
  readonly authorityPem: string;
  readonly authorityKey: string;
  readonly servingPem: string;
  readonly servingKey: string;
  readonly answers: readonly string[];
}

/** A CA of the benchmark, which signs what bare servers and their callers present. */
export function createBareCa() {
  const now = Date.now();
  const authority = createAuthority({ commonName: "bare CA", now, lifetimeMs: 24 * HOUR_MS });
  function certify(subject: Subject): ClientIdentity {
    const privateKey = generateKeyPem();
    const publicKey = createPublicKey(privateKey.reveal());
    const { pem } = issueCertificate({ authority, publicKey, subject, now, lifetimeMs: 12 * HOUR_MS });
    return { privateKey, certificatePem: pem };
  }
  return {
    bundlePem: authority.certificatePem,
    certify,
    /** Writes the file for a bare server with a new certificate; `answers`: what it answers. */
    write(path: string, answers: readonly string[]): void {
      const serving = certify({ kind: "serving", dnsNames: [BARE_NAME], ipAddresses: ["127.0.0.1"] });
      const content: BareFile = {
        authorityPem: authority.certificatePem,
        authorityKey: authority.key.reveal(),
        servingPem: serving.certificatePem,
        servingKey: serving.privateKey.reveal(),
        answers,
      };
      writeFileSync(path, JSON.stringify(content), { mode: 0o600 });
    },
  };
}

/** Reads the file: the CA, the TLS material of a port, and the answers. */
export function readBareFile(path: string) {
  const file = JSON.parse(readFileSync(path, "utf8")) as BareFile;
  const material = {
    certificatePem: file.servingPem,
    privateKey: new Secret(file.servingKey),
    clientBundlePem: file.authorityPem,
  };
  const tls: TlsSource = { current: () => material, onChange: () => () => {} };
  return {
    authority: { certificatePem: file.authorityPem, key: new Secret(file.authorityKey) },
    tls,
    answers: file.answers,
  };
}
