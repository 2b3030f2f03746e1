// The request for a pod certificate without which a pod does not start: reads the one that holds back a pod, and says
// what it waits for, or why it was denied.
// (https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#pod-certificate-requests)
import { hasLostSources, hasPodCertificate } from "../../injection/pod-certificates.ts";
import { isApiUnreachable } from "../../kubernetes/errors.ts";
import { type Condition, hasFinished, type Pod, type PodCertificateRequest } from "../../kubernetes/objects.ts";
import type { OperatorKubernetes } from "../../kubernetes/operator.ts";
import { ANNOTATIONS } from "../../policy/annotations.ts";
import { isErrorCode } from "../../protocol/errors.ts";
import { POD_SIGNER_NAME } from "../../protocol/pod-certificates.ts";
import { CHECK_STEP, type ConcernedPod, stepsAfterCode } from "../code-steps.ts";
import { type Known, readKnown, type Unknown } from "../known.ts";
import { shellQuote } from "../migrate/shell-commands.ts";
import type { AnsweredDiagnosis, Diagnosis } from "../sidecar-diagnosis.ts";

/** What is kept of a request. */
export interface SeenRequest {
  readonly name: string;
  /** RFC 3339. */
  readonly created: string;
  readonly podUid: string;
  /** Undefined while there is none. */
  readonly answer: Condition | undefined;
}

/**
 * The request of a pod for a certificate of podrole's signer that holds it back, or else the last one; undefined if its
 * kubelet has made none.
 */
export type LastRequest = Known<SeenRequest | undefined>;

/** Returns what is kept of a request for a certificate of podrole's signer; undefined for another signer's. */
export function certificateRequestOf(request: PodCertificateRequest): SeenRequest | undefined {
  const { metadata, spec, status } = request;
  if (spec.signerName !== POD_SIGNER_NAME) return undefined;
  const { name = "", creationTimestamp: created = "" } = metadata;
  return { name, created, podUid: spec.podUID, answer: status?.conditions?.[0] };
}

/** Reports whether the pod waits for its volumes, of which one has a pod certificate: it has no address until then. */
export function awaitsPodCertificate(pod: Pod): boolean {
  const isWaiting = pod.spec.nodeName !== undefined && pod.status?.["podIP"] === undefined && !hasFinished(pod);
  return isWaiting && (pod.spec.volumes ?? []).some(hasPodCertificate);
}

/** Reads the request, if the pod waits for its certificate. */
export async function readLastRequest(
  kubernetes: Pick<OperatorKubernetes, "listProjected">,
  pod: Pod,
): Promise<LastRequest | undefined> {
  const { namespace = "", name = "", uid = "" } = pod.metadata;
  if (!awaitsPodCertificate(pod)) return undefined;
  const selector = { namespace, fieldSelector: `spec.podName=${name}` };
  return readKnown(async () => {
    const found = await kubernetes.listProjected("podcertificaterequests", certificateRequestOf, selector);
    return lastRequests(found).get(uid);
  }, isApiUnreachable);
}

/** Returns the request of each pod that holds it back, or else its last one, by the pod's uid. */
export function lastRequests(requests: readonly SeenRequest[]): ReadonlyMap<string, SeenRequest> {
  const ordered = requests.toSorted((a, b) => holdOf(a) - holdOf(b) || a.created.localeCompare(b.created));
  return new Map(ordered.map((request) => [request.podUid, request]));
}

/** Of several volumes of a pod, one that was denied keeps it from starting for ever, whatever the others got. */
function holdOf({ answer }: SeenRequest): number {
  if (answer === undefined) return 1;
  return answer.type === "Issued" ? 0 : 2;
}

/** Returns why the pod has no certificate, in one sentence; undefined if the request was granted. */
export function describeLastRequest(request: LastRequest, node: string | undefined): string | undefined {
  if ("unknown" in request) return `whether its pod certificate was denied: ${cannotLook(request)}`;
  if (request.value === undefined) {
    return `the kubelet of node ${node} has requested no pod certificate for it: a kubelet older than 1.37 never does, and the pod does not start there`;
  }
  const { name, created, answer } = request.value;
  const what = `PodCertificateRequest ${name}`;
  if (answer === undefined) {
    return `${what} has had no answer since ${created}: podrole's server signs it as soon as it can, and the pod starts then`;
  }
  if (answer.type === "Issued") return undefined;
  const state = answer.type === "Denied" ? "was denied" : "has failed";
  return `${what} ${state}, which is final for this pod: ${answer.reason}: ${answer.message}`;
}

function cannotLook({ unknown, needs = [] }: Unknown): string {
  return `cannot tell: ${needs.length > 0 ? `needs ${needs.join(", ")}` : unknown}`;
}

/** Returns why the pod does not start, and what to do; undefined if the request does not hold back the pod. */
export function diagnoseLastRequest(request: LastRequest, node: string | undefined): Diagnosis | undefined {
  const cause = describeLastRequest(request, node);
  if (cause === undefined || "unknown" in request) return undefined;
  if (request.value === undefined) return { cause, remedy: OLD_KUBELET_REMEDY };
  return { cause, remedy: request.value.answer ? DENIED_REMEDY : WAITING_REMEDY };
}

/** Returns why the pod has no proof although no request holds it back; undefined if its volume has its sources. */
export function diagnoseLostCertificate(
  pod: Pod,
  restart: (purpose: string) => readonly string[],
): AnsweredDiagnosis | undefined {
  if (!(pod.spec.volumes ?? []).some(hasLostSources)) return undefined;
  const { namespace = "" } = pod.metadata;
  const setting = `${ANNOTATIONS.podCertificates}=disabled`;
  const disable = `kubectl annotate namespace ${shellQuote(namespace)} ${setting} --overwrite`;
  return {
    cause: LOST_CERTIFICATE,
    remedy: LOST_REMEDY,
    steps: [
      CHECK_STEP,
      `${disable}  # only if the API stays switched off: new pods of the namespace get a token`,
      ...restart("the volume of a pod cannot be changed"),
    ],
  };
}

const LOST_CERTIFICATE =
  "the API server has removed the pod certificate and the trust bundle from the pod's volume podrole-proof, as it does while these features are switched off: podrole-sidecar has no proof";
const LOST_REMEDY =
  "Let the API server serve podcertificaterequests and clustertrustbundles, or turn pod certificates off for the namespace, and create the pod again.";
const OLD_KUBELET_REMEDY =
  "Let the pod run on nodes of Kubernetes 1.37 or newer, or turn pod certificates off for its namespace, and create it again.";
const WAITING_REMEDY = "Make podrole's server ready; podrole check says why it is not.";
const DENIED_REMEDY =
  "Correct what the message names, and create the pod again: the kubelet makes no further request for this one.";

/**
 * Returns the next commands; undefined if the request does not hold back the pod. `restart`: the commands that create
 * the pod again, with their purpose.
 */
export function stepsAfterLastRequest(
  request: LastRequest,
  restart: (purpose: string) => readonly string[],
  concerned: ConcernedPod,
): readonly string[] | undefined {
  if ("unknown" in request) return undefined;
  const { answer } = request.value ?? {};
  if (answer === undefined) return [CHECK_STEP];
  if (answer.type === "Issued") return undefined;
  const { reason, message } = answer;
  // The reason that Kubernetes defines for keys says, as REQUEST_INVALID does, that the volume is wrong.
  const code = isErrorCode(reason) ? reason : "REQUEST_INVALID";
  return [...stepsAfterCode(code, { ...concerned, message }), ...restart("the kubelet makes no further request")];
}
