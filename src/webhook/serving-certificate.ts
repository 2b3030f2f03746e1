// The webhook's serving certificate, got the way a pod gets its own: ServiceAccount token, CSR, the server's identity
// port. States: waiting (no certificate yet: asked for again, 1 s doubling to 30 s) → held (renewed at half life, or at once
// when its CA leaves the trust bundle: the API server believes it no more; a failed renewal is repeated while the old one
// serves) → stopped (signal).
import { readFile } from "node:fs/promises";
import { isIssuedFrom, notAfterOf } from "../pki/bundle.ts";
import { createCsr } from "../pki/csr.ts";
import { generateKeyPem } from "../pki/keys.ts";
import { issueCertificate } from "../protocol/client.ts";
import { PodroleError } from "../protocol/errors.ts";
import type { TlsMaterial, TlsSource } from "../protocol/tls.ts";
import { backoff, type Clock, sleep } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import { Secret } from "../runtime/secret.ts";
import type { TrustBundle } from "./trust.ts";

export interface ServingCertificate extends TlsSource {
  /** Resolves when there is a certificate. */
  readonly ready: Promise<void>;
  /** Unix milliseconds; undefined while there is none. */
  notAfter(): number | undefined;
}

export interface ServingCertificateOptions {
  readonly identityAddress: string;
  readonly serverName: string;
  readonly proofFile: string;
}

const CALL_DEADLINE_MS = 10_000;
const UNBELIEVED_MS = 30_000;

export function createServingCertificate(
  {
    clock,
    log,
    signal,
    trust,
    onResult,
  }: {
    readonly clock: Clock;
    readonly log: Log;
    readonly signal: AbortSignal;
    readonly trust: TrustBundle;
    /** Hears how each attempt went. */
    readonly onResult?: (result: "ok" | "failed") => void;
  },
  options: ServingCertificateOptions,
): ServingCertificate {
  const listeners = new Set<() => void>();
  const first = Promise.withResolvers<void>();
  let material: TlsMaterial | undefined;
  let nap = new AbortController();

  async function renew(): Promise<TlsMaterial> {
    await trust.ready;
    const privateKey = generateKeyPem();
    const token = new Secret((await readFile(options.proofFile, "utf8")).trim());
    const endpoint = {
      address: options.identityAddress,
      serverName: options.serverName,
      bundlePem: trust.current() ?? "",
    };
    const request = { token, csr: createCsr(privateKey, "podrole-webhook"), bundleHash: "" };
    const { certificate } = await issueCertificate(endpoint, request, CALL_DEADLINE_MS);
    return { certificatePem: certificate, privateKey };
  }

  async function keep(): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      try {
        material = await renew();
        failures = 0;
        const expiration = notAfterOf(material.certificatePem);
        log.info({ expiration: new Date(expiration).toISOString() }, "got a serving certificate");
        onResult?.("ok");
        for (const listener of listeners) listener();
        first.resolve();
        nap = new AbortController();
        // The bundle may have changed while this certificate was on its way, or not be read anew yet.
        const waitMs = isBelieved() ? (expiration - clock.now()) / 2 : UNBELIEVED_MS;
        await sleep(clock, waitMs, AbortSignal.any([signal, nap.signal]));
      } catch (error) {
        onResult?.("failed");
        const waitMs = backoff(failures++, 1_000, 30_000);
        log.warn({ err: error, waitMs: Math.round(waitMs) }, "could not get a serving certificate; asking again");
        await sleep(clock, waitMs, signal);
      }
    }
  }

  function isBelieved(): boolean {
    return material === undefined || isIssuedFrom(material.certificatePem, trust.current() ?? "");
  }

  trust.onChange(() => {
    if (!isBelieved()) nap.abort();
  });
  void keep();
  return {
    ready: first.promise,
    notAfter: () => (material === undefined ? undefined : notAfterOf(material.certificatePem)),
    current() {
      if (material === undefined) throw new PodroleError("INTERNAL", "Cannot serve: there is no certificate yet");
      return material;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
