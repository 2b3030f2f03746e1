// The identity port's use case: prove → read the key → sign → record → fetch ahead. A pod gets a client certificate for
// exactly itself; the webhook's ServiceAccount gets a serving certificate for the webhook's names. Names in the CSR
// decide nothing.
import type { KeyObject } from "node:crypto";
import {
  type Authority,
  type IssuedCertificate,
  issueCertificate as sign,
  type Subject,
} from "../../pki/certificate.ts";
import { readCsr } from "../../pki/csr.ts";
import { formatSpiffeId } from "../../pki/identity.ts";
import { PodroleError, type Refusal } from "../../protocol/errors.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Audit } from "../../runtime/log.ts";
import type { Secret } from "../../runtime/secret.ts";
import type { ProvenPod } from "./prove.ts";

export interface CertificateIssuerDeps {
  readonly clock: Clock;
  readonly audit: Audit;
  /** Who is behind the token. */
  readonly prove: (token: Secret) => Promise<ProvenPod | Refusal>;
  readonly authority: () => Authority;
  /** Starts fetching the pod's credentials; must not throw. */
  readonly fetchAhead: (pod: ProvenPod) => void;
}

export interface CertificateIssuerOptions {
  readonly trustDomain: string;
  readonly lifetimeMs: number;
  readonly webhook: {
    readonly namespace: string;
    readonly serviceAccount: string;
    readonly dnsNames: readonly string[];
    readonly ipAddresses: readonly string[];
  };
}

export type IssueCertificate = (token: Secret, csr: Uint8Array, peer: string) => Promise<IssuedCertificate>;

export function createCertificateIssuer(
  { clock, audit, prove, authority, fetchAhead }: CertificateIssuerDeps,
  { trustDomain, lifetimeMs, webhook }: CertificateIssuerOptions,
): IssueCertificate {
  function subjectOf(caller: ProvenPod): Subject {
    const { namespace, serviceAccount, name: pod, uid } = caller;
    if (isWebhook(caller)) return { kind: "serving", dnsNames: webhook.dnsNames, ipAddresses: webhook.ipAddresses };
    return { kind: "pod", uri: formatSpiffeId({ trustDomain, namespace, serviceAccount, pod, uid }) };
  }

  function isWebhook({ namespace, serviceAccount }: ProvenPod): boolean {
    return namespace === webhook.namespace && serviceAccount === webhook.serviceAccount;
  }

  return async (token, csr, peer) => {
    const caller = await prove(token);
    if ("code" in caller) throw refused(audit, caller, peer);
    const key: KeyObject | Refusal = readCsr(csr);
    if ("code" in key) throw refused(audit, key, peer, caller);
    const subject = subjectOf(caller);
    const issued = sign({ authority: authority(), publicKey: key, subject, now: clock.now(), lifetimeMs });
    audit({ audit: "certificate", decision: "issued", ...who(caller), ...certificateFacts(issued, subject), peer });
    if (subject.kind === "pod") fetchAhead(caller);
    return issued;
  };
}

function refused(audit: Audit, { code, message }: Refusal, peer: string, caller?: ProvenPod): PodroleError {
  audit({ audit: "certificate", decision: "refused", reason: code, message, ...(caller && who(caller)), peer });
  return new PodroleError(code, message);
}

function who({ namespace, name, uid, serviceAccount, credentialId }: ProvenPod) {
  return { namespace, pod: name, podUid: uid, serviceAccount, credentialId };
}

function certificateFacts({ serial, notAfter }: IssuedCertificate, subject: Subject) {
  const names = subject.kind === "pod" ? subject.uri : [...subject.dnsNames, ...subject.ipAddresses];
  return { subject: names, serial, expiration: new Date(notAfter).toISOString() };
}
