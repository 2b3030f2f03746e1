// The server's own serving certificate, signed by its own CA and presented on both gRPC ports. The key exists only in
// memory, and is new at each start. States: current (renewed at half its lifetime, or at once when the CA changes; new
// connections see the new certificate) → stopped (stop()).
import { createPrivateKey, createPublicKey } from "node:crypto";
import { issueCertificate } from "../../pki/certificate.ts";
import { generateKeyPem } from "../../pki/keys.ts";
import type { TlsMaterial, TlsSource } from "../../protocol/tls.ts";
import { createChanges } from "../../runtime/changes.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { AuthorityPoller } from "./authority-poller.ts";

export interface ServingCertificateOptions {
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly lifetimeMs: number;
}

export interface ServingCertificate extends TlsSource {
  /** Expiry of the current certificate, Unix milliseconds. */
  notAfter(): number;
  stop(): void;
}

/**
 * Issues the certificate and keeps it renewed. `poller` must have started, else it throws AUTHORITY_UNAVAILABLE. Client
 * certificates are verified against every CA of the bundle.
 */
export function createServingCertificate(
  { poller, clock, log }: { readonly poller: AuthorityPoller; readonly clock: Clock; readonly log: Log },
  { dnsNames, ipAddresses, lifetimeMs }: ServingCertificateOptions,
): ServingCertificate {
  const changes = createChanges((error) => log.error({ err: error }, "could not use a renewed serving certificate"));
  const key = generateKeyPem();
  const publicKey = createPublicKey(createPrivateKey(key.reveal()));
  let cancelRenewal = () => {};
  let current = issue();

  function issue() {
    const { authority, bundlePem } = poller.current();
    const now = clock.now();
    const subject = { kind: "serving", dnsNames, ipAddresses } as const;
    const issued = issueCertificate({ authority, publicKey, subject, now, lifetimeMs });
    cancelRenewal();
    cancelRenewal = clock.schedule(renew, (issued.notAfter - now) / 2);
    const material: TlsMaterial = { certificatePem: issued.pem, privateKey: key, clientBundlePem: bundlePem };
    return { material, notAfter: issued.notAfter };
  }

  function renew(): void {
    current = issue();
    log.info({ expiration: new Date(current.notAfter).toISOString() }, "renewed the serving certificate");
    changes.emit();
  }

  const unsubscribe = poller.onChange(renew);
  return {
    current: () => current.material,
    notAfter: () => current.notAfter,
    onChange: (listener) => changes.onChange(listener),
    stop() {
      unsubscribe();
      cancelRenewal();
    },
  };
}
