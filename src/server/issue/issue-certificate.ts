// The identity port's use case: verify the proof → read the key → sign → record → prefetch (accompanying-credentials.ts
// waits for it). An injected pod gets a client certificate for exactly itself; the webhook's ServiceAccount gets a
// serving certificate for the webhook's names. Names in the CSR are ignored.
import type { KeyObject } from "node:crypto";
import {
  type Authority,
  type IssuedCertificate,
  type Subject,
  issueCertificate as sign,
} from "../../pki/certificate.ts";
import { readCsr } from "../../pki/csr.ts";
import { formatSpiffeId, type PodIdentity } from "../../pki/identity.ts";
import { overloadedError, withoutPort } from "../../protocol/calls-in-flight.ts";
import { isRefusal, PodroleError, type Refusal } from "../../protocol/errors.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Audit } from "../../runtime/log.ts";
import { createSampler, sampledFields } from "../../runtime/sampler.ts";
import type { Secret } from "../../runtime/secret.ts";
import { EVERY_LINE, type RepeatSampler } from "./repeat-sampler.ts";
import { notInjected } from "./uninjected.ts";
import { isUnproven, type ProvenPod, podFields, type VerifyProof } from "./verify-proof.ts";

export interface CertificateIssuerDeps {
  readonly clock: Clock;
  readonly audit: Audit;
  /** Identifies the pod behind the token. */
  readonly verifyProof: VerifyProof;
  readonly authority: () => Authority;
  /**
   * Starts fetching the pod's credentials; resolves when that has ended, with or without success, and never rejects.
   */
  readonly prefetch: (pod: ProvenPod) => Promise<void>;
  /** Chooses which lines of a pod are written that repeats its calls; default: all. */
  readonly repeats?: Pick<RepeatSampler, "write">;
  /** Receives each refusal of a pod whose token was accepted; must not throw. */
  readonly onRefused?: (pod: ProvenPod, refusal: Refusal) => void;
}

export interface CertificateIssuerOptions {
  /** Trust domain of the SPIFFE ID in a pod's certificate. */
  readonly trustDomain: string;
  /** Of pod and webhook certificates. */
  readonly lifetimeMs: number;
  /** The ServiceAccount that gets a serving certificate, and the names in it. */
  readonly webhook: {
    readonly namespace: string;
    readonly serviceAccount: string;
    readonly dnsNames: readonly string[];
    readonly ipAddresses: readonly string[];
  };
}

/**
 * A pod that has just proved itself. `prefetched` resolves when the server has its credentials, or cannot get them now.
 */
export interface PrefetchedPod {
  readonly identity: PodIdentity;
  readonly prefetched: Promise<void>;
}

/** A certificate, and the pod to which it was issued; `pod` is absent for the webhook. */
export interface IssuedIdentity extends IssuedCertificate {
  readonly pod?: PrefetchedPod;
}

/**
 * Issues a certificate for the key in `csr` (DER, PKCS #10) to the pod behind `token`. `peer` is for the audit trail.
 * `signal`: aborts when the caller has left; then nothing is signed.
 * Rejects with PodroleError: PROOF_REJECTED, POD_UNKNOWN, POD_FINISHED, POD_NOT_INJECTED, REQUEST_INVALID,
 * SERVER_OVERLOADED, KUBERNETES_UNAVAILABLE or AUTHORITY_UNAVAILABLE.
 */
export type IssueCertificate = (
  token: Secret,
  csr: Uint8Array,
  peer: string,
  signal?: AbortSignal,
) => Promise<IssuedIdentity>;

/** Builds the use case; it has no state of its own. */
export function createCertificateIssuer(
  { clock, audit, verifyProof, authority, prefetch, repeats = EVERY_LINE, onRefused }: CertificateIssuerDeps,
  { trustDomain, lifetimeMs, webhook }: CertificateIssuerOptions,
): IssueCertificate {
  function identityOf({ namespace, serviceAccount, name, uid }: ProvenPod): PodIdentity {
    return { trustDomain, namespace, serviceAccount, name, uid };
  }

  function isWebhook({ namespace, serviceAccount }: ProvenPod): boolean {
    return namespace === webhook.namespace && serviceAccount === webhook.serviceAccount;
  }

  const sampler = createSampler({ clock });
  /** A token that the API server accepted proves something; every other refusal costs its caller nothing. */
  function refuseUnproven(refusal: Refusal, peer: string): PodroleError {
    const omitted = isUnproven(refusal.code) ? sampler.take(refusal.code) : 0;
    if (omitted !== undefined) auditRefusal(audit, refusal, peer, undefined, omitted);
    if (refusal.code === "SERVER_OVERLOADED") return overloadedError(refusal.message);
    return new PodroleError(refusal.code, refusal.message);
  }

  function refuseProven(refusal: Refusal, peer: string, caller: ProvenPod): PodroleError {
    onRefused?.(caller, refusal);
    const key = ["refused", caller.uid, refusal.code, withoutPort(peer)].join(" ");
    repeats.write({ namespace: caller.namespace, key }, (omitted) =>
      auditRefusal(audit, refusal, peer, caller, omitted),
    );
    return new PodroleError(refusal.code, refusal.message);
  }

  return async (token, csr, peer, signal) => {
    const caller = await verifyProof(token, peer);
    if (signal?.aborted) throw overloadedError("Cannot issue a certificate: its caller has left");
    if (isRefusal(caller)) throw refuseUnproven(caller, peer);
    const identity = isWebhook(caller) ? undefined : identityOf(caller);
    const uninjected = identity && caller.known.uninjected;
    if (uninjected !== undefined) throw refuseProven(notInjected(caller, uninjected), peer, caller);
    const key: KeyObject | Refusal = readCsr(csr);
    if (isRefusal(key)) throw refuseProven(key, peer, caller);
    const subject: Subject = identity
      ? { kind: "pod", uri: formatSpiffeId(identity) }
      : { kind: "serving", dnsNames: webhook.dnsNames, ipAddresses: webhook.ipAddresses };
    const issued = sign({ authority: authority(), publicKey: key, subject, now: clock.now(), lifetimeMs });
    const fields = { ...callerFields(caller), ...certificateLogFields(issued, subject), peer };
    repeats.write({ namespace: caller.namespace, key: `issued ${caller.uid} ${withoutPort(peer)}` }, (omitted) =>
      audit({ audit: "certificate", decision: "issued", ...fields, ...sampledFields(omitted) }),
    );
    return identity ? { ...issued, pod: { identity, prefetched: prefetch(caller) } } : issued;
  };
}

function auditRefusal(
  audit: Audit,
  { code, message }: Refusal,
  peer: string,
  caller: ProvenPod | undefined,
  omitted: number,
): void {
  const fields = { ...(caller && callerFields(caller)), ...sampledFields(omitted), peer };
  audit({ audit: "certificate", decision: "refused", reason: code, message, ...fields });
}

function callerFields(caller: ProvenPod) {
  return { ...podFields(caller), credentialId: caller.credentialId };
}

function certificateLogFields({ serial, notAfter }: IssuedCertificate, subject: Subject) {
  const names = subject.kind === "pod" ? subject.uri : [...subject.dnsNames, ...subject.ipAddresses];
  return { subject: names, serial, expiration: new Date(notAfter).toISOString() };
}
