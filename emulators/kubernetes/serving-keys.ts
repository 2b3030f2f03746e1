// The emulator's own temporary CA and certificate, valid by real time: TLS libraries use no other clock.
import { createPublicKey } from "node:crypto";
import { createAuthority, issueCertificate } from "../../src/pki/certificate.ts";
import { generateKeyPem } from "../../src/pki/keys.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import type { ServingKeys } from "./http.ts";

/** Longer than any demo runs. */
const LIFETIME_MS = 7 * 24 * 3_600_000;

/** Creates a CA and a certificate for loopback. */
export function createServingKeys(): ServingKeys & { readonly caPem: string } {
  const now = systemClock.now();
  const authority = createAuthority({ commonName: "kubernetes emulator", now, lifetimeMs: LIFETIME_MS });
  const key = generateKeyPem();
  const { pem } = issueCertificate({
    authority,
    publicKey: createPublicKey(key.reveal()),
    subject: { kind: "serving", dnsNames: ["localhost", "kubernetes.default.svc"], ipAddresses: ["127.0.0.1", "::1"] },
    now,
    lifetimeMs: LIFETIME_MS,
  });
  return { certificatePem: pem, keyPem: key.reveal(), caPem: authority.certificatePem };
}
