// The webhook's serving certificate, requested as a pod requests its own: ServiceAccount token, CSR, the server's
// identity port. States: waiting (no certificate yet: requested again after 1 s, doubling to 30 s) → held (renewed at
// half its lifetime, and at once for each published trust bundle; a failed renewal, or one whose certificate is not
// valid now because the server's clock is wrong, is repeated while the old certificate serves) → expired, if no renewal
// succeeds → held again; stopped (signal). Each request also tests a published bundle: it is adopted if a verified
// server confirms that it is the current one. The adopted bundle verifies the server first; the published one does so
// only if that fails, because the CA may have been replaced at once.
import { bundleHash, isIssuedFrom, notAfterOf, readCertificates, remainingLifetimeMs } from "../pki/bundle.ts";
import { isValidAt } from "../pki/chain.ts";
import { createCsr } from "../pki/csr.ts";
import { generateKeyPem } from "../pki/keys.ts";
import { requestCertificate } from "../protocol/client.ts";
import { PodroleError } from "../protocol/errors.ts";
import { readProof } from "../protocol/proof.ts";
import type { TlsMaterial, TlsSource } from "../protocol/tls.ts";
import { createChanges } from "../runtime/changes.ts";
import { backoff, type Clock, sleep, sleepUntil } from "../runtime/clock.ts";
import { type DueTime, dueAfter, isDue, untilDueMs } from "../runtime/due.ts";
import type { Log } from "../runtime/log.ts";
import type { TrustBundle } from "./trust-bundle.ts";

/** `current()` throws INTERNAL until `ready` resolves. */
export interface RequestedCertificate extends TlsSource {
  /** Resolves with the first certificate. */
  readonly ready: Promise<void>;
  /** Milliseconds until the certificate expires; negative once it has. Undefined before the first certificate. */
  expiresInMs(): number | undefined;
}

/** The server to call and the proof to send. */
export interface RequestedCertificateOptions {
  /** host:port of the server's identity port. */
  readonly identityAddress: string;
  /** DNS name that the server's certificate must carry. */
  readonly serverName: string;
  /** Path of the webhook's own projected ServiceAccount token. */
  readonly proofFile: string;
}

/** What the renewal depends on. */
export interface RequestedCertificateDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly trust: TrustBundle;
  /** Receives the result of each attempt. */
  readonly onResult: (result: "ok" | "failed") => void;
}

const CERTIFICATE_CALL_DEADLINE_MS = 10_000;
/** Wait before the next attempt when the new certificate's CA is not in the known bundle, or it is not valid now. */
const UNTRUSTED_RETRY_MS = 30_000;
/** Shortest wait after a success, however short the certificate's lifetime is. */
const MIN_RENEWAL_INTERVAL_MS = 10_000;
/** Longest wait for an offer; each offer ends it. */
const NO_OFFER_RETRY_MS = 60_000;
const NOT_CONFIRMED =
  "Cannot adopt the published trust bundle: the server has another one; expected the one that it has";

/** Starts requesting the certificate, and renews it until `signal` is aborted. */
export function startRequestedCertificate(
  { clock, log, signal, trust, onResult }: RequestedCertificateDeps,
  options: RequestedCertificateOptions,
): RequestedCertificate {
  const changes = createChanges((err) => log.error({ err }, "could not use a renewed serving certificate"));
  const first = Promise.withResolvers<void>();
  let material: TlsMaterial | undefined;
  let expiry: DueTime | undefined;
  let renewal = dueAfter(clock, 0);
  let offered = new AbortController();

  /**
   * Requests a certificate if one is due or a bundle was published, and adopts that bundle if the server confirms it.
   */
  async function renew(): Promise<void> {
    const offer = trust.takeOffer();
    const adopted = trust.current();
    const published = offer ?? adopted;
    if (published === undefined || (offer === undefined && !isDue(clock, renewal))) return;
    const { isCurrent, ...obtained } = await requestServingCertificate(
      { bundlePem: adopted ?? published, published },
      options,
    ).catch((error: unknown) => {
      if (published === adopted || adopted === undefined) throw error;
      return requestServingCertificate({ bundlePem: published, published }, options);
    });
    if (isCurrent) trust.adopt(published);
    else if (adopted === undefined) throw new PodroleError("BUNDLE_UNCONFIRMED", NOT_CONFIRMED);
    else if (offer !== undefined)
      log.warn({ bundle: bundleHash(offer) }, "did not adopt the published trust bundle: the server has another");
    if (material !== undefined && isValidNow(material) && !isValidNow(obtained)) reject();
    else use(obtained);
  }

  /**
   * A server whose clock is wrong may be set right soon; until then the API server would accept no new certificate of
   * it.
   */
  function reject(): void {
    renewal = dueAfter(clock, UNTRUSTED_RETRY_MS);
    log.warn({ waitMs: UNTRUSTED_RETRY_MS }, "kept the serving certificate: the new one is not valid at this time");
    onResult("failed");
  }

  function isValidNow({ certificatePem }: TlsMaterial): boolean {
    return readCertificates(certificatePem)
      .slice(0, 1)
      .every((leaf) => isValidAt(leaf, clock.now()));
  }

  function use(obtained: TlsMaterial): void {
    material = obtained;
    const validMs = remainingLifetimeMs(material.certificatePem, clock.now());
    expiry = dueAfter(clock, validMs);
    // The server's CA may have changed just before; the next poll brings its bundle.
    const isTrusted = isIssuedFrom(material.certificatePem, trust.current() ?? "");
    renewal = dueAfter(clock, isTrusted ? Math.max(validMs / 2, MIN_RENEWAL_INTERVAL_MS) : UNTRUSTED_RETRY_MS);
    log.info({ expiration: new Date(notAfterOf(material.certificatePem)).toISOString() }, "got a serving certificate");
    onResult("ok");
    changes.emit();
    first.resolve();
  }

  async function run(): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      offered = new AbortController();
      try {
        await renew();
        failures = 0;
        const until = material === undefined ? dueAfter(clock, NO_OFFER_RETRY_MS) : renewal;
        await sleepUntil(clock, until, AbortSignal.any([signal, offered.signal]));
      } catch (error) {
        onResult("failed");
        const waitMs = backoff(failures++, 1_000, 30_000);
        log.warn({ err: error, waitMs: Math.round(waitMs) }, "could not get a serving certificate; will retry");
        await sleep(clock, waitMs, signal);
      }
    }
  }

  trust.onChange(() => offered.abort());
  void run();
  return {
    ready: first.promise,
    expiresInMs: () => expiry && untilDueMs(clock, expiry),
    current() {
      if (material === undefined) {
        throw new PodroleError("INTERNAL", "Cannot serve: there is no certificate yet; expected one from the server");
      }
      return material;
    },
    onChange: changes.onChange,
  };
}

/**
 * Creates a key and requests a certificate for it from the server that `bundlePem` verifies. `isCurrent`: the server's
 * own bundle is `published`.
 */
async function requestServingCertificate(
  { bundlePem, published }: { readonly bundlePem: string; readonly published: string },
  { identityAddress, serverName, proofFile }: RequestedCertificateOptions,
): Promise<TlsMaterial & { readonly isCurrent: boolean }> {
  const privateKey = generateKeyPem();
  const token = await readProof(proofFile, "the webhook");
  const { certificate, bundle } = await requestCertificate(
    { address: identityAddress, serverName, bundlePem },
    { token, csr: createCsr(privateKey, "podrole-webhook"), bundleHash: bundleHash(published) },
    CERTIFICATE_CALL_DEADLINE_MS,
  );
  return { certificatePem: certificate, privateKey, isCurrent: bundle === "" };
}
