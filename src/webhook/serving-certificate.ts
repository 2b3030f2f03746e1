// The webhook's serving certificate, requested as a pod requests its own: ServiceAccount token, CSR, the server's identity
// port. States: waiting (no certificate yet: requested again after 1 s, doubling to 30 s) → held (renewed at half its
// lifetime, or at once when its CA leaves the trust bundle, because the API server no longer trusts it; a failed renewal is
// repeated while the old certificate serves) → stopped (signal).
import { readFile } from "node:fs/promises";
import { isIssuedFrom, notAfterOf } from "../pki/bundle.ts";
import { createCsr } from "../pki/csr.ts";
import { generateKeyPem } from "../pki/keys.ts";
import { issueCertificate } from "../protocol/client.ts";
import { PodroleError } from "../protocol/errors.ts";
import type { TlsMaterial, TlsSource } from "../protocol/tls.ts";
import { createChanges } from "../runtime/changes.ts";
import { backoff, type Clock, sleep } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import { Secret } from "../runtime/secret.ts";
import type { TrustBundle } from "./trust.ts";

/** `current()` throws INTERNAL until `ready` resolves. */
export interface ServingCertificate extends TlsSource {
  /** Resolves with the first certificate. */
  readonly ready: Promise<void>;
  /** Expiry in Unix milliseconds; undefined before the first certificate. */
  notAfter(): number | undefined;
}

/** The server to call and the proof to send. */
export interface ServingCertificateOptions {
  /** host:port of the server's identity port. */
  readonly identityAddress: string;
  /** DNS name that the server's certificate must carry. */
  readonly serverName: string;
  /** Path of the webhook's own projected ServiceAccount token. */
  readonly proofFile: string;
}

/** What the renewal depends on. */
export interface ServingCertificateDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  readonly trust: TrustBundle;
  /** Receives the result of each attempt. */
  readonly onResult?: (result: "ok" | "failed") => void;
}

const CALL_DEADLINE_MS = 10_000;
/** Wait before the next attempt when the new certificate's CA is not in the known bundle. */
const UNTRUSTED_MS = 30_000;

/** Starts requesting the certificate, and renews it until `signal` is aborted. */
export function createServingCertificate(
  { clock, log, signal, trust, onResult }: ServingCertificateDeps,
  options: ServingCertificateOptions,
): ServingCertificate {
  const changes = createChanges((err) => log.error({ err }, "could not use a renewed serving certificate"));
  const first = Promise.withResolvers<void>();
  let material: TlsMaterial | undefined;
  let wait = new AbortController();

  async function run(): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      try {
        material = await requestCertificate(trust, options);
        failures = 0;
        const expiration = notAfterOf(material.certificatePem);
        log.info({ expiration: new Date(expiration).toISOString() }, "got a serving certificate");
        onResult?.("ok");
        changes.emit();
        first.resolve();
        wait = new AbortController();
        // The bundle may have changed during the request, or the next poll of it may still be due.
        const waitMs = isTrusted() ? (expiration - clock.now()) / 2 : UNTRUSTED_MS;
        await sleep(clock, waitMs, AbortSignal.any([signal, wait.signal]));
      } catch (error) {
        onResult?.("failed");
        const waitMs = backoff(failures++, 1_000, 30_000);
        log.warn({ err: error, waitMs: Math.round(waitMs) }, "could not get a serving certificate; will retry");
        await sleep(clock, waitMs, signal);
      }
    }
  }

  function isTrusted(): boolean {
    return material === undefined || isIssuedFrom(material.certificatePem, trust.current() ?? "");
  }

  trust.onChange(() => {
    if (!isTrusted()) wait.abort();
  });
  void run();
  return {
    ready: first.promise,
    notAfter: () => (material === undefined ? undefined : notAfterOf(material.certificatePem)),
    current() {
      if (material === undefined) {
        throw new PodroleError("INTERNAL", "Cannot serve: there is no certificate yet; expected one from the server");
      }
      return material;
    },
    onChange: changes.onChange,
  };
}

/** Creates a key and requests a certificate for it, once the trust bundle is known. */
async function requestCertificate(trust: TrustBundle, options: ServingCertificateOptions): Promise<TlsMaterial> {
  await trust.ready;
  const privateKey = generateKeyPem();
  const token = new Secret((await readFile(options.proofFile, "utf8")).trim());
  const endpoint = {
    address: options.identityAddress,
    serverName: options.serverName,
    bundlePem: trust.current() ?? "",
  };
  const csr = { token, csr: createCsr(privateKey, "podrole-webhook"), bundleHash: "" };
  const { certificate } = await issueCertificate(endpoint, csr, CALL_DEADLINE_MS);
  return { certificatePem: certificate, privateKey };
}
