// The server's own serving certificate, signed by its own CA and presented on both gRPC ports. The key exists only in
// memory, and is new at each start. States: waiting (the CA cannot sign yet, for example because this machine's clock
// is behind the CA's validity: tried again each 10 s) → current (renewed at half its lifetime, at once when the CA
// changes, and within 5 s of a step of the wall clock out of its validity; new connections see the new certificate; a
// failed renewal is tried again each 10 s) → expired, if no renewal succeeds → current again; stopped (stop()). After a
// step it is unknown which of the two times is the right one, which pods have. So a certificate that replaces another
// after a step is valid at both.
import { createPrivateKey, createPublicKey } from "node:crypto";
import { BACKDATE_MS } from "../../pki/bundle.ts";
import { issueCertificate, type Validity } from "../../pki/certificate.ts";
import { generateKeyPem } from "../../pki/keys.ts";
import { PodroleError } from "../../protocol/errors.ts";
import type { TlsMaterial, TlsSource } from "../../protocol/tls.ts";
import { createChanges } from "../../runtime/changes.ts";
import type { Clock } from "../../runtime/clock.ts";
import { type DueTime, dueAfter, isDue, untilDueMs } from "../../runtime/due.ts";
import type { Log } from "../../runtime/log.ts";
import { scheduleCheck } from "../../runtime/next-check.ts";
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
const MIN_ISSUE_INTERVAL_MS = 1_000;
const ISSUE_RETRY_DELAY_MS = 10_000;
/** Between two looks at the clock: nothing reports a step of it. */
const MAX_ISSUE_CHECK_INTERVAL_MS = 5_000;

/** A certificate as it was issued. `validity`: as requested; that of the CA may end earlier or begin later. */
interface HeldCertificate {
  readonly material: TlsMaterial;
  readonly issuedAt: DueTime;
  readonly validity: Validity;
  readonly expiry: DueTime;
}

/**
 * Issues the certificate and keeps it renewed; a failure is logged and tried again. Client certificates are verified
 * against every CA of the bundle.
 */
export function startServingCertificate(
  { poller, clock, log }: { readonly poller: AuthorityPoller; readonly clock: Clock; readonly log: Log },
  { dnsNames, ipAddresses, lifetimeMs }: ServingCertificateOptions,
): ServingCertificate {
  const changes = createChanges((err) => log.error({ err }, "could not use a renewed serving certificate"));
  const first = Promise.withResolvers<void>();
  const key = generateKeyPem();
  const publicKey = createPublicKey(createPrivateKey(key.reveal()));
  let current: HeldCertificate | undefined;
  let renewal = dueAfter(clock, 0);
  let hasFailed = false;
  let isStopped = false;
  let cancelCheck = () => {};

  function issue(): void {
    const { authority, bundlePem } = poller.current();
    const now = clock.now();
    const subject = { kind: "serving", dnsNames, ipAddresses } as const;
    const covers = current && hasStepped(clock, current.issuedAt) ? current.validity : undefined;
    const issued = issueCertificate({ authority, publicKey, subject, now, lifetimeMs, covers });
    const validMs = Math.min(issued.notAfter - now, lifetimeMs);
    current = {
      material: { certificatePem: issued.pem, privateKey: key, clientBundlePem: bundlePem },
      issuedAt: dueAfter(clock, 0),
      validity: {
        notBefore: Math.min(now - BACKDATE_MS, covers?.notBefore ?? now),
        notAfter: Math.max(now + lifetimeMs, covers?.notAfter ?? now),
      },
      expiry: dueAfter(clock, validMs),
    };
    renewal = dueAfter(clock, validMs / 2);
    log.info({ expiration: new Date(issued.notAfter).toISOString() }, "issued the serving certificate");
  }

  function renew(): void {
    try {
      issue();
      hasFailed = false;
    } catch (error) {
      log.error({ err: error, retryAfterMs: ISSUE_RETRY_DELAY_MS }, "could not issue the serving certificate");
      renewal = dueAfter(clock, ISSUE_RETRY_DELAY_MS);
      hasFailed = true;
      return;
    }
    first.resolve();
    changes.emit();
  }

  /** Reports whether the wall clock was set to before the certificate's validity. */
  const isNotYetValid = () => current !== undefined && clock.now() < current.validity.notBefore;

  function check(): void {
    if (isDue(clock, renewal) || (isNotYetValid() && !hasFailed)) renew();
    scheduleNext();
  }

  function scheduleNext(): void {
    cancelCheck();
    if (isStopped) return;
    const delayMs = Math.max(untilDueMs(clock, renewal), MIN_ISSUE_INTERVAL_MS);
    cancelCheck = scheduleCheck(clock, check, delayMs, MAX_ISSUE_CHECK_INTERVAL_MS);
  }

  function renewNow(): void {
    renew();
    scheduleNext();
  }

  const unsubscribe = poller.onChange(renewNow);
  renewNow();
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
      isStopped = true;
      cancelCheck();
    },
  };
}

/** Reports whether the wall clock was set, or the machine suspended, for longer than certificates are backdated. */
function hasStepped(clock: Clock, since: DueTime): boolean {
  const wallMs = clock.now() - since.wallMs;
  return Math.abs(wallMs - (clock.elapsedMs() - since.elapsedMs)) > BACKDATE_MS;
}
