// Answers one PodCertificateRequest: read it → decide → sign → write its status → record. The certificate is the one
// that the identity port issues, so the credentials port accepts both alike. If the response to the write is lost,
// unconfirmed-answers.ts records what was written.
import type { Kubernetes } from "../../kubernetes/api.ts";
import { ApiError } from "../../kubernetes/errors.ts";
import type { Condition, PodCertificateRequest, PodCertificateStatus } from "../../kubernetes/objects.ts";
import { type Authority, type IssuedCertificate, issueCertificate } from "../../pki/certificate.ts";
import { formatSpiffeId, type PodIdentity } from "../../pki/identity.ts";
import { type ErrorCode, PodroleError, type Refusal } from "../../protocol/errors.ts";
import type { AnswerEvidence } from "../../runtime/audit-line.ts";
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
  renewalAfterMs,
  type SignerSettings,
} from "./decide-request.ts";
import type { UnconfirmedAnswers } from "./unconfirmed-answers.ts";

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
  /** Receives the answers that may have been stored although the PATCH failed. */
  readonly unconfirmed: Pick<UnconfirmedAnswers, "add" | "isFull">;
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
  { clock, audit, kubernetes, cachedPod, readPod, authority, denials, unconfirmed, onIssued }: RequestSignerDeps,
  settings: SignerSettings,
): SignRequest {
  const lookUpOnce = createLookupCache<KnownPod | undefined>({ clock }, POD_LOOKUPS);

  async function decide(request: PodCertificateRequest): Promise<RequestDecision> {
    const [namespace, name] = [request.metadata.namespace ?? "", request.spec.podName];
    const known = cachedPod(namespace, name);
    const cached = decideRequest(request, known, settings, clock.now());
    if (cached.decision !== "deny") return cached;
    const key = `${namespace}/${name}/${request.spec.podUID}`;
    const live = await lookUpOnce(key, () => readPod(namespace, name), [known]);
    return decideRequest(request, live, settings, clock.now());
  }

  /** Writes the answer and its audit line; returns false if the request has another answer, or is gone. */
  async function answer(
    request: PodCertificateRequest,
    status: PodCertificateStatus,
    record: (evidence?: AnswerEvidence) => void,
  ): Promise<boolean> {
    try {
      if ((await kubernetes.answerPodCertificateRequest(request, status)) === "conflict") return false;
    } catch (error) {
      if (!wasRejected(error)) unconfirmed.add({ place: requestPlaceOf(request), status, record });
      throw error;
    }
    record();
    return true;
  }

  async function deny(
    request: PodCertificateRequest,
    { reason, refusal }: Extract<RequestDecision, { decision: "deny" }>,
  ): Promise<SigningResult> {
    const status = { conditions: [conditionOf("Denied", reason, refusal.message, clock.now())] };
    const { podName, podUID } = request.spec;
    const { namespace = "" } = request.metadata;
    const line = { namespace, key: [namespace, podName, podUID, refusal.code].join("/") };
    const fields = requestFields(request);
    const record = () => denials.write(line, (omitted) => recordDenial(audit, fields, refusal, omitted));
    return { result: (await answer(request, status, record)) ? refusal.code : "ANSWERED" };
  }

  async function issue(
    request: PodCertificateRequest,
    { identity, publicKey, validityMs }: Extract<RequestDecision, { decision: "issue" }>,
  ): Promise<SigningResult> {
    const now = clock.now();
    const uri = formatSpiffeId(identity);
    const issued = issueCertificate({
      authority: authority(),
      publicKey,
      subject: { kind: "pod", uri },
      now,
      lifetimeMs: validityMs - POD_BACKDATE_MS,
      backdateMs: POD_BACKDATE_MS,
    });
    const record = (evidence?: AnswerEvidence) => {
      recordIssue(audit, request, { ...issued, subject: uri, evidence });
      if (evidence !== "signed") onIssued(identity);
    };
    return {
      result: (await answer(request, issuedStatus(issued, { uri, now, settings }), record)) ? "ISSUED" : "ANSWERED",
    };
  }

  return async ({ namespace, name, uid }) => {
    // Each of them has an audit line that is still to be written.
    if (unconfirmed.isFull()) return { result: "KUBERNETES_UNAVAILABLE", waitsFor: TOO_MANY_UNCONFIRMED };
    const request = await kubernetes.getPodCertificateRequest(namespace, name);
    if (request === undefined || request.metadata.uid !== uid || isAnswered(request)) return { result: "ANSWERED" };
    const decision = await decide(request);
    if (decision.decision === "wait") return { result: decision.refusal.code, waitsFor: decision.refusal.message };
    return decision.decision === "deny" ? deny(request, decision) : issue(request, decision);
  };
}

const TOO_MANY_UNCONFIRMED =
  "Cannot answer a PodCertificateRequest: the API server has confirmed none of the last thousand answers; expected its responses";

/** Reports whether the API server refused the answer: then it has stored nothing. */
function wasRejected(error: unknown): boolean {
  return error instanceof ApiError && error.status >= 400 && error.status < 500;
}

function requestPlaceOf({ metadata: { namespace = "", name = "", uid = "" } }: PodCertificateRequest): RequestPlace {
  return { namespace, name, uid };
}

/** The kubelet requests the next certificate at beginRefreshAt, and up to 7 minutes later. */
function issuedStatus(
  issued: IssuedCertificate,
  { uri, now, settings }: { readonly uri: string; readonly now: number; readonly settings: SignerSettings },
): PodCertificateStatus {
  const { pem, notBefore, notAfter } = issued;
  if (notAfter - notBefore < MIN_VALIDITY_MS) {
    const state = `the CA allows a validity of only ${Math.floor((notAfter - notBefore) / 60_000)} minutes`;
    throw new PodroleError("AUTHORITY_UNAVAILABLE", `Cannot issue a pod certificate: ${state}; expected an hour`);
  }
  return {
    conditions: [conditionOf("Issued", "Issued", `podrole issued a certificate for ${uri}`, now)],
    certificateChain: pem,
    notBefore: formatSeconds(notBefore),
    beginRefreshAt: formatSeconds(notBefore + renewalAfterMs(settings, notAfter - notBefore)),
    notAfter: formatSeconds(notAfter),
  };
}

function conditionOf(type: string, reason: string, message: string, now: number): Condition {
  return { type, status: "True", reason, message, lastTransitionTime: formatSeconds(now) };
}

/**
 * Writes the audit line of an issued certificate. `evidence`: how it is known that the API server stored it; undefined:
 * by its response.
 */
export function recordIssue(
  audit: Audit,
  request: PodCertificateRequest,
  {
    subject,
    serial,
    notAfter,
    evidence,
  }: Pick<IssuedCertificate, "serial" | "notAfter"> & {
    readonly subject: string;
    readonly evidence: AnswerEvidence | undefined;
  },
): void {
  const expiration = new Date(notAfter).toISOString();
  audit({ audit: "certificate", decision: "issued", ...requestFields(request), subject, serial, expiration, evidence });
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
