// Answers one PodCertificateRequest: read it → decide → sign → write its status → record. The certificate is the one
// that the identity port issues, so the credentials port accepts both alike.
import type { Kubernetes } from "../../kubernetes/api.ts";
import type { Condition, PodCertificateRequest, PodCertificateStatus } from "../../kubernetes/objects.ts";
import { type Authority, type IssuedCertificate, issueCertificate } from "../../pki/certificate.ts";
import { formatSpiffeId, type PodIdentity } from "../../pki/identity.ts";
import { type ErrorCode, PodroleError, type Refusal } from "../../protocol/errors.ts";
import { type Clock, formatSeconds, SECOND_MS } from "../../runtime/clock.ts";
import type { Audit } from "../../runtime/log.ts";
import { sampledFields } from "../../runtime/sampler.ts";
import type { KnownPod } from "../issue/known-pod.ts";
import { createLookupCache } from "../issue/lookup-cache.ts";
import type { RepeatSampler } from "../issue/repeat-sampler.ts";
import { podFields } from "../issue/verify-proof.ts";
import {
  decideRequest,
  isAnswered,
  MIN_VALIDITY_MS,
  POD_BACKDATE_MS,
  type RequestDecision,
  type SignerSettings,
} from "./decide-request.ts";

/** What answering depends on. */
export interface RequestSignerDeps {
  readonly clock: Clock;
  readonly audit: Audit;
  readonly kubernetes: Pick<Kubernetes, "getPodCertificateRequest" | "answerPodCertificateRequest">;
  /** Returns the cached pod. */
  readonly cachedPod: (namespace: string, name: string) => KnownPod | undefined;
  /** Reads the pod from the API server; undefined if there is none. Called once in some seconds for each pod. */
  readonly readPod: (namespace: string, name: string) => Promise<KnownPod | undefined>;
  readonly authority: () => Authority;
  /** Chooses which of the audit lines of denials that repeat earlier ones are written. */
  readonly denials: Pick<RepeatSampler, "write">;
  /** Called for each pod that gets a certificate, before it has received it; must not throw. */
  readonly onIssued: (identity: PodIdentity) => void;
}

/**
 * How a request ended here: ISSUED, the code with which it was denied or for which it waits, or ANSWERED if another
 * replica was faster or the request is gone.
 */
export interface SigningResult {
  readonly result: ErrorCode | "ISSUED" | "ANSWERED";
  /** Why the request still waits, for the log. */
  readonly waitsFor?: string;
}

/** Where a request is. `uid` distinguishes it from a later one of the same name. */
export interface RequestPlace {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

/**
 * Answers a request. Rejects with ApiError if the API server cannot be reached or refuses the answer, and with
 * AUTHORITY_UNAVAILABLE if the CA cannot sign a certificate that the API server would accept.
 */
export type SignRequest = (place: RequestPlace) => Promise<SigningResult>;

/** A denied pod may have thousands of requests, each of which would read it anew. */
const POD_LOOKUPS = { rememberMs: 5 * SECOND_MS, capacity: 1_000 };

/** Creates the use case. Its state: pods read within the last 5 s. */
export function createRequestSigner(
  { clock, audit, kubernetes, cachedPod, readPod, authority, denials, onIssued }: RequestSignerDeps,
  settings: SignerSettings,
): SignRequest {
  const lookUpOnce = createLookupCache<KnownPod | undefined>({ clock }, POD_LOOKUPS);

  async function decide(request: PodCertificateRequest): Promise<RequestDecision> {
    const [namespace, name] = [request.metadata.namespace ?? "", request.spec.podName];
    const cached = decideRequest(request, cachedPod(namespace, name), settings, clock.now());
    if (cached.decision !== "deny") return cached;
    const key = `${namespace}/${name}/${request.spec.podUID}`;
    return decideRequest(request, await lookUpOnce(key, () => readPod(namespace, name)), settings, clock.now());
  }

  return async ({ namespace, name, uid }) => {
    const request = await kubernetes.getPodCertificateRequest(namespace, name);
    if (request === undefined || request.metadata.uid !== uid || isAnswered(request)) return { result: "ANSWERED" };
    const decision = await decide(request);
    if (decision.decision === "wait") return { result: decision.refusal.code, waitsFor: decision.refusal.message };
    const now = clock.now();
    if (decision.decision === "deny") {
      const { reason, refusal } = decision;
      const status = { conditions: [conditionOf("Denied", reason, refusal.message, now)] };
      if ((await kubernetes.answerPodCertificateRequest(request, status)) === "conflict") return { result: "ANSWERED" };
      const { podName, podUID } = request.spec;
      const fields = requestFields(request);
      denials.write([namespace, podName, podUID, refusal.code].join("/"), (omitted) =>
        recordDenial(audit, fields, refusal, omitted),
      );
      return { result: refusal.code };
    }
    const { identity, publicKey, validityMs } = decision;
    const uri = formatSpiffeId(identity);
    const issued = issueCertificate({
      authority: authority(),
      publicKey,
      subject: { kind: "pod", uri },
      now,
      lifetimeMs: validityMs - POD_BACKDATE_MS,
      backdateMs: POD_BACKDATE_MS,
    });
    const status = issuedStatus(issued, uri, now);
    if ((await kubernetes.answerPodCertificateRequest(request, status)) === "conflict") return { result: "ANSWERED" };
    audit({
      audit: "certificate",
      decision: "issued",
      ...requestFields(request),
      subject: uri,
      serial: issued.serial,
      expiration: new Date(issued.notAfter).toISOString(),
    });
    onIssued(identity);
    return { result: "ISSUED" };
  };
}

/** The kubelet requests the next certificate at half of the validity, and up to 5 minutes later. */
function issuedStatus(issued: IssuedCertificate, uri: string, now: number): PodCertificateStatus {
  const { pem, notBefore, notAfter } = issued;
  if (notAfter - notBefore < MIN_VALIDITY_MS) {
    const state = `the CA allows a validity of only ${Math.floor((notAfter - notBefore) / 60_000)} minutes`;
    throw new PodroleError("AUTHORITY_UNAVAILABLE", `Cannot issue a pod certificate: ${state}; expected an hour`);
  }
  return {
    conditions: [conditionOf("Issued", "Issued", `podrole issued a certificate for ${uri}`, now)],
    certificateChain: pem,
    notBefore: formatSeconds(notBefore),
    beginRefreshAt: formatSeconds(notBefore + (notAfter - notBefore) / 2),
    notAfter: formatSeconds(notAfter),
  };
}

function conditionOf(type: string, reason: string, message: string, now: number): Condition {
  return { type, status: "True", reason, message, lastTransitionTime: formatSeconds(now) };
}

function recordDenial(
  audit: Audit,
  fields: ReturnType<typeof requestFields>,
  { code, message }: Refusal,
  omitted: number,
): void {
  const more = sampledFields(omitted);
  audit({ audit: "certificate", decision: "refused", ...fields, ...more, reason: code, message });
}

function requestFields({ metadata: { namespace = "", name = "" }, spec }: PodCertificateRequest) {
  const { podName, podUID: uid, serviceAccountName: serviceAccount, nodeName: node } = spec;
  return { ...podFields({ namespace, name: podName, uid, serviceAccount }), podCertificateRequest: name, node };
}
