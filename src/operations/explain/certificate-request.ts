// The request for a pod certificate without which a pod does not start: reads the one that holds back a pod, and says
// what it waits for, or why it was denied.
// (https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#pod-certificate-requests)
import { hasPodCertificate } from "../../injection/pod-certificates.ts";
import { isApiUnreachable } from "../../kubernetes/errors.ts";
import { hasFinished, type Pod, type PodCertificateRequest } from "../../kubernetes/objects.ts";
import type { OperatorKubernetes } from "../../kubernetes/operator.ts";
import { isErrorCode } from "../../protocol/errors.ts";
import { POD_SIGNER_NAME } from "../../protocol/pod-certificates.ts";
import { CHECK_STEP, type ConcernedPod, stepsAfterCode } from "../code-steps.ts";
import { type Known, readKnown, type Unknown } from "../known.ts";
import { restartSteps } from "../next-steps.ts";
import type { Diagnosis } from "../sidecar-diagnosis.ts";

/**
 * The request of a pod for a certificate of podrole's signer that holds it back, or else the last one; undefined if its
 * kubelet has made none.
 */
export type LastRequest = Known<PodCertificateRequest | undefined>;

/**
 * Reads the request, if the pod has such a volume and has no address yet, which it gets when its volumes are mounted.
 */
export async function readLastRequest(
  kubernetes: Pick<OperatorKubernetes, "listAll">,
  pod: Pod,
): Promise<LastRequest | undefined> {
  const { namespace = "", name = "", uid } = pod.metadata;
  const isWaiting = pod.spec.nodeName !== undefined && pod.status?.["podIP"] === undefined && !hasFinished(pod);
  if (!isWaiting || !(pod.spec.volumes ?? []).some(hasPodCertificate)) return undefined;
  const fieldSelector = `spec.podName=${name}`;
  return readKnown(async () => {
    const found = await kubernetes.listAll<PodCertificateRequest>("podcertificaterequests", {
      namespace,
      fieldSelector,
    });
    const own = found.filter(({ spec }) => spec.podUID === uid && spec.signerName === POD_SIGNER_NAME);
    return own.toSorted((a, b) => holdOf(a) - holdOf(b) || createdAt(a).localeCompare(createdAt(b))).at(-1);
  }, isApiUnreachable);
}

/** Of several volumes of a pod, one that was denied keeps it from starting for ever, whatever the others got. */
function holdOf({ status }: PodCertificateRequest): number {
  const [condition] = status?.conditions ?? [];
  if (condition === undefined) return 1;
  return condition.type === "Issued" ? 0 : 2;
}

const createdAt = ({ metadata }: PodCertificateRequest) => metadata.creationTimestamp ?? "";

/** Returns why the pod has no certificate, in one sentence; undefined if the request was granted. */
export function describeLastRequest(request: LastRequest, { spec }: Pick<Pod, "spec">): string | undefined {
  if ("unknown" in request) return `whether its pod certificate was denied: ${cannotLook(request)}`;
  if (request.value === undefined) {
    return `the kubelet of node ${spec.nodeName} has requested no pod certificate for it: a kubelet older than 1.37 never does, and the pod does not start there`;
  }
  const { metadata, status } = request.value;
  const [condition] = status?.conditions ?? [];
  const what = `PodCertificateRequest ${metadata.name}`;
  if (condition === undefined) {
    return `${what} has had no answer since ${createdAt(request.value)}: podrole's server signs it as soon as it can, and the pod starts then`;
  }
  if (condition.type === "Issued") return undefined;
  const state = condition.type === "Denied" ? "was denied" : "has failed";
  return `${what} ${state}, which is final for this pod: ${condition.reason}: ${condition.message}`;
}

function cannotLook({ unknown, needs = [] }: Unknown): string {
  return `cannot tell: ${needs.length > 0 ? `needs ${needs.join(", ")}` : unknown}`;
}

/** Returns why the pod does not start, and what to do; undefined if the request does not hold back the pod. */
export function diagnoseLastRequest(request: LastRequest, pod: Pick<Pod, "spec">): Diagnosis | undefined {
  const cause = describeLastRequest(request, pod);
  if (cause === undefined || "unknown" in request) return undefined;
  if (request.value === undefined) return { cause, remedy: OLD_KUBELET_REMEDY };
  const isAnswered = request.value.status?.conditions?.[0] !== undefined;
  return { cause, remedy: isAnswered ? DENIED_REMEDY : WAITING_REMEDY };
}

const OLD_KUBELET_REMEDY =
  "Let the pod run on nodes of Kubernetes 1.37 or newer, or turn pod certificates off for its namespace, and create it again.";
const WAITING_REMEDY = "Make podrole's server ready; podrole check says why it is not.";
const DENIED_REMEDY =
  "Correct what the message names, and create the pod again: the kubelet makes no further request for this one.";

/** Returns the next commands; undefined if the request does not hold back the pod. */
export function stepsAfterLastRequest(
  request: LastRequest,
  pod: Pod,
  concerned: ConcernedPod,
): readonly string[] | undefined {
  if ("unknown" in request) return undefined;
  if (request.value === undefined) return [CHECK_STEP];
  const [condition] = request.value.status?.conditions ?? [];
  if (condition === undefined) return [CHECK_STEP];
  if (condition.type === "Issued") return undefined;
  const { reason, message } = condition;
  // The reason that Kubernetes defines for keys says, as REQUEST_INVALID does, that the volume is wrong.
  const code = isErrorCode(reason) ? reason : "REQUEST_INVALID";
  return [
    ...stepsAfterCode(code, { ...concerned, message }),
    ...restartSteps(pod, "the kubelet makes no further request"),
  ];
}
