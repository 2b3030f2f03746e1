// The server's own serving certificate, signed by its own CA and presented on both gRPC ports. The key exists only in
// memory, and is new at each start. States: waiting (the CA cannot sign yet, for example because this machine's clock is
// behind the CA's validity: tried again each 10 s) → current (renewed at half its lifetime, or at once when the CA changes; new
// connections see the new certificate; a failed renewal is tried again each 10 s) → expired, if no renewal succeeds → current
// again; stopped (stop()).
import { createPrivateKey, createPublicKey } from "node:crypto";
import { issueCertificate } from "../../pki/certificate.ts";
import { generateKeyPem } from "../../pki/keys.ts";
import { PodroleError } from "../../protocol/errors.ts";
import type { TlsMaterial, TlsSource } from "../../protocol/tls.ts";
import { createChanges } from "../../runtime/changes.ts";
import type { Clock } from "../../runtime/clock.ts";
import { createDue, type DueTime, dueAfter, untilDueMs } from "../../runtime/due.ts";
import type { Log } from "../../runtime/log.ts";
import type { AuthorityPoller } from "./authority-poller.ts";

export interface ServingCertificateOptions {
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly lifetimeMs: number;
}

/** `current()` throws AUTHORITY_UNAVAILABLE until `ready` resolves. */
export interface ServingCertificate extends TlsSource {
  /** Resolves with the first certificate. */
  readonly ready: Promise<void>;
  /** Milliseconds until the current certificate expires; negative once it has, and before the first one. */
  expiresInMs(): number;
  stop(): void;
}

/** Between two certificates; a change of the CA does not wait for it. */
const MIN_INTERVAL_MS = 1_000;
const RETRY_AFTER_MS = 10_000;

/**
 * Issues the certificate and keeps it renewed; a failure is logged and tried again. Client certificates are verified against
 * every CA of the bundle.
 */
export function createServingCertificate(
  { poller, clock, log }: { readonly poller: AuthorityPoller; readonly clock: Clock; readonly log: Log },
  { dnsNames, ipAddresses, lifetimeMs }: ServingCertificateOptions,
): ServingCertificate {
  const onError = (err: unknown) => log.error({ err }, "could not use a renewed serving certificate");
  const changes = createChanges(onError);
  const renewal = createDue({ clock, onError }, { minIntervalMs: MIN_INTERVAL_MS }, renew);
  const first = Promise.withResolvers<void>();
  const key = generateKeyPem();
  const publicKey = createPublicKey(createPrivateKey(key.reveal()));
  let current: { readonly material: TlsMaterial; readonly expiry: DueTime } | undefined;

  function issue(): void {
    const { authority, bundlePem } = poller.current();
    const now = clock.now();
    const subject = { kind: "serving", dnsNames, ipAddresses } as const;
    const issued = issueCertificate({ authority, publicKey, subject, now, lifetimeMs });
    const material: TlsMaterial = { certificatePem: issued.pem, privateKey: key, clientBundlePem: bundlePem };
    const validMs = issued.notAfter - now;
    current = { material, expiry: dueAfter(clock, validMs) };
    renewal.set(dueAfter(clock, validMs / 2));
    log.info({ expiration: new Date(issued.notAfter).toISOString() }, "issued the serving certificate");
  }

  function renew(): void {
    try {
      issue();
    } catch (error) {
      log.error({ err: error, retryAfterMs: RETRY_AFTER_MS }, "could not issue the serving certificate");
      renewal.set(dueAfter(clock, RETRY_AFTER_MS));
      return;
    }
    first.resolve();
    changes.emit();
  }

  const unsubscribe = poller.onChange(renew);
  renew();
  return {
    ready: first.promise,
    current() {
      if (current) return current.material;
      throw new PodroleError(
        "AUTHORITY_UNAVAILABLE",
        "Cannot serve: the CA has signed no certificate for this server yet",
      );
    },
    expiresInMs: () => (current ? untilDueMs(clock, current.expiry) : Number.NEGATIVE_INFINITY),
    onChange: (listener) => changes.onChange(listener),
    stop() {
      unsubscribe();
      renewal.cancel();
    },
  };
}
