// The server's own serving certificate, signed by its own CA and shown on both gRPC ports. States: held (renewed at
// half life, or at once when the CA changes; new connections see the new one) → stopped (stop()).
import { createPrivateKey, createPublicKey } from "node:crypto";
import { issueCertificate } from "../../pki/certificate.ts";
import { generateKeyPem } from "../../pki/keys.ts";
import type { TlsMaterial, TlsSource } from "../../protocol/tls.ts";
import { createChanges } from "../../runtime/changes.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { AuthorityKeeper } from "./authority-keeper.ts";

export interface ServingCertificateOptions {
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly lifetimeMs: number;
}

export interface ServingCertificate extends TlsSource {
  /** Unix milliseconds. */
  notAfter(): number;
  stop(): void;
}

/** `keeper` must have started. Client certificates are believed by every CA of the bundle. */
export function createServingCertificate(
  { keeper, clock, log }: { readonly keeper: AuthorityKeeper; readonly clock: Clock; readonly log: Log },
  { dnsNames, ipAddresses, lifetimeMs }: ServingCertificateOptions,
): ServingCertificate {
  const changes = createChanges((err) => log.error({ err }, "a listener of the serving certificate failed"));
  const key = generateKeyPem();
  const publicKey = createPublicKey(createPrivateKey(key.reveal()));
  let cancelRenewal = () => {};
  let held = issue();

  function issue() {
    const { authority, bundlePem } = keeper.current();
    const now = clock.now();
    const subject = { kind: "serving", dnsNames, ipAddresses } as const;
    const issued = issueCertificate({ authority, publicKey, subject, now, lifetimeMs });
    cancelRenewal();
    cancelRenewal = clock.schedule(renew, (issued.notAfter - now) / 2);
    const material: TlsMaterial = { certificatePem: issued.pem, privateKey: key, clientBundlePem: bundlePem };
    return { material, notAfter: issued.notAfter };
  }

  function renew(): void {
    held = issue();
    log.info({ expiration: new Date(held.notAfter).toISOString() }, "renewed the serving certificate");
    changes.emit();
  }

  const unsubscribe = keeper.onChange(renew);
  return {
    current: () => held.material,
    notAfter: () => held.notAfter,
    onChange: changes.onChange,
    stop() {
      unsubscribe();
      cancelRenewal();
    },
  };
}
