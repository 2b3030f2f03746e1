// Decides about one PodCertificateRequest, as a function of the request and the pod. Before the API server stores a
// request, its admission plugin NodeRestriction verifies that the node runs this pod, with this uid and ServiceAccount;
// here the pod is compared once more, because users whom RBAC permits to create requests do not pass that plugin.
// A denial is final: the kubelet makes no further request for the pod's volume. So a state that may change is a reason
// to wait, and a denial that follows from a cache is confirmed live first (start-signer.ts).
// (https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#pod-certificate-requests)
import type { KeyObject } from "node:crypto";
import type { PodCertificateRequest } from "../../kubernetes/objects.ts";
import { readCsr } from "../../pki/csr.ts";
import type { PodIdentity } from "../../pki/identity.ts";
import { quoted } from "../../policy/annotations.ts";
import { type ErrorCode, isRefusal, type Refusal, refuse } from "../../protocol/errors.ts";
import { HOUR_MS, MINUTE_MS } from "../../runtime/clock.ts";
import { MIN_RENEWAL_DISTANCE_MS } from "../../settings/server.ts";
import { type KnownPod, verifyInjected } from "../issue/known-pod.ts";

/** What to answer to a request. `wait`: nothing yet, because the reason may pass. */
export type RequestDecision =
  | {
      readonly decision: "issue";
      readonly identity: PodIdentity;
      readonly publicKey: KeyObject;
      /** From the start of the validity to its end, in milliseconds. */
      readonly validityMs: number;
    }
  | { readonly decision: "deny"; readonly reason: DenialReason; readonly refusal: Refusal }
  | { readonly decision: "wait"; readonly refusal: Refusal };

/** `reason` of the condition Denied. Kubernetes defines the one for keys; the others are podrole's error codes. */
export type DenialReason = ErrorCode | "UnsupportedKeyType";

/** What the decision depends on besides the request and the pod. */
export interface SignerSettings {
  readonly trustDomain: string;
  /** Lifetime of certificates, in milliseconds. Pod certificates have at least an hour. */
  readonly certificateTtlMs: number;
  /** After how much of the lifetime kubelets renew, in milliseconds; undefined: after half of it. */
  readonly renewalMs?: number | undefined;
}

/** The API server accepts no shorter validity (k8s.io/kubernetes, ValidatePodCertificateRequestStatusUpdate). */
export const MIN_VALIDITY_MS = HOUR_MS;
/**
 * How long before now the validity begins. The API server accepts at most 5 minutes before or after its own clock's
 * time, so certificates of podrole's other issuers, which begin 5 minutes before now, would be refused. This value
 * tolerates verifiers whose clock is 2 minutes behind, and an API server whose clock is 3 minutes ahead.
 */
export const POD_BACKDATE_MS = 2 * MINUTE_MS;
const MAX_API_SERVER_AHEAD_MS = 5 * MINUTE_MS - POD_BACKDATE_MS;
/** The API server's own default. */
const DEFAULT_MAX_EXPIRATION_SECONDS = 86_400;

/** Returns the validity of pod certificates, unless a request limits it, in milliseconds. */
export function podCertificateValidityMs({ certificateTtlMs }: Pick<SignerSettings, "certificateTtlMs">): number {
  return Math.max(MIN_VALIDITY_MS, Math.floor(certificateTtlMs / 1000) * 1000);
}

/** Returns after how many milliseconds of this validity kubelets should renew, whatever has shortened it. */
export function renewalAfterMs({ renewalMs }: Pick<SignerSettings, "renewalMs">, validityMs: number): number {
  return Math.max(MIN_RENEWAL_DISTANCE_MS, Math.min(renewalMs ?? validityMs / 2, validityMs - MIN_RENEWAL_DISTANCE_MS));
}

/**
 * Decides about a request that has no answer yet. `pod`: the pod of the request's name, undefined if there is none.
 * `now`: Unix milliseconds.
 */
export function decideRequest(
  request: PodCertificateRequest,
  pod: KnownPod | undefined,
  settings: SignerSettings,
  now: number,
): RequestDecision {
  const { spec, metadata } = request;
  const { maxExpirationSeconds = DEFAULT_MAX_EXPIRATION_SECONDS, stubPKCS10Request = "" } = spec;
  const claimed = {
    namespace: metadata.namespace ?? "",
    name: spec.podName,
    uid: spec.podUID,
    serviceAccount: spec.serviceAccountName,
  };
  const unknown = Object.keys(spec.unverifiedUserAnnotations ?? {})[0];
  if (unknown !== undefined) return denied(refuseAnnotation(unknown));
  const publicKey = readCsr(Buffer.from(stubPKCS10Request, "base64"));
  // The API server has verified the request's form and signature, so that the key remains as the reason.
  if (isRefusal(publicKey)) return denied(publicKey, "UnsupportedKeyType");
  const found = verifyInjected(claimed, pod);
  if (isRefusal(found)) return denied(found);
  if (found.node !== spec.nodeName) return denied(refuseNode(claimed, spec.nodeName, found.node));
  const aheadMs = Date.parse(metadata.creationTimestamp ?? "") - now;
  if (aheadMs > MAX_API_SERVER_AHEAD_MS) return { decision: "wait", refusal: refuseClock(aheadMs) };
  return {
    decision: "issue",
    identity: { trustDomain: settings.trustDomain, ...claimed },
    publicKey,
    validityMs: Math.min(podCertificateValidityMs(settings), maxExpirationSeconds * 1000),
  };
}

/** Reports whether a signer has answered the request. */
export function isAnswered({ status }: Pick<PodCertificateRequest, "status">): boolean {
  return (status?.conditions ?? []).length > 0;
}

function denied(refusal: Refusal, reason: DenialReason = refusal.code): RequestDecision {
  return { decision: "deny", reason, refusal };
}

function refuseAnnotation(name: string): Refusal {
  const state = `its userAnnotations contain ${quoted(name)}; expected none`;
  return refuse("REQUEST_INVALID", `Cannot issue a pod certificate: ${state}`);
}

function refuseNode({ namespace, name }: { namespace: string; name: string }, node: string, actual = ""): Refusal {
  const state = `it runs on node ${quoted(actual)}; expected the request's, ${quoted(node)}`;
  return refuse("POD_UNKNOWN", `Cannot identify pod "${namespace}/${name}": ${state}`);
}

function refuseClock(aheadMs: number): Refusal {
  const state = `the API server's clock is ${Math.round(aheadMs / 1000)} s ahead of this server's`;
  return refuse("AUTHORITY_UNAVAILABLE", `Cannot issue a pod certificate: ${state}; expected clocks that agree`);
}
