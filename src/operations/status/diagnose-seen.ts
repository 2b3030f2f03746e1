// Why a pod of the list has not what it needs, and what to do: the same cause, remedy and commands as podrole explain
// shows of the pod alone. Pure.
import { ANNOTATIONS } from "../../policy/annotations.ts";
import { ANY_BASE_ARN, resolveRole } from "../../policy/role.ts";
import { isRefusal } from "../../protocol/errors.ts";
import type { ContainerHolding, RefusalRecord } from "../../protocol/state/model.ts";
import { SECOND_MS } from "../../runtime/clock.ts";
import { completeAnswer } from "../answer.ts";
import { type ConcernedPod, rolesNamedBy, stepsAfterCode } from "../code-steps.ts";
import { findOriginal } from "../copied-pod.ts";
import { diagnoseLastRequest, type SeenRequest, stepsAfterLastRequest } from "../explain/certificate-request.ts";
import type { InstallationFacts } from "../installation-facts.ts";
import type { ReplicaCount } from "../installed.ts";
import type { AskedRole, Permitted } from "../namespace-permission.ts";
import type { NamespaceSights } from "../namespace-sight.ts";
import { type ConcernedObject, restartWorkloadSteps } from "../next-steps.ts";
import { absenceOf } from "../program-absence.ts";
import { diagnoseChange } from "../role-change.ts";
import { resolvedRole } from "../role-correction.ts";
import {
  type AnsweredDiagnosis,
  diagnoseCode,
  diagnoseEnd,
  diagnoseRefusedRenewal,
  strippedCopyDiagnosis,
} from "../sidecar-diagnosis.ts";
import { refusalMessage } from "../state/last-refusals.ts";
import { firstRole, injectedRestartSteps, trialSteps } from "../trial-pod.ts";
import { diagnoseUninjected } from "../uninjected-cause.ts";
import type { PodTrust } from "../untrusted-server.ts";
import type { PodRowPhase } from "./model.ts";
import type { SeenPod } from "./seen-pod.ts";

/** What is known besides the pods; what is absent is unknown. */
export interface PodSurroundings {
  /** Unix milliseconds. */
  readonly now: number;
  readonly installation?: InstallationFacts;
  /** podrole's server, if a Deployment runs it. */
  readonly server?: ReplicaCount | undefined;
  readonly isRegistered?: boolean | undefined;
  /** When the webhook was registered, RFC 3339. */
  readonly registeredAt?: string | undefined;
  readonly namespaces?: NamespaceSights;
  /** The requests of pods for pod certificates, by the pod's uid: lastRequests(). */
  readonly requests?: ReadonlyMap<string, SeenRequest>;
  /** Compares a pod's CAs (PEM) with the published ones: the page of podrole ui cannot read certificates. */
  readonly compareTrust?: (own: string | undefined) => PodTrust | undefined;
  /** Whether the namespace permits a role; absent, or undefined: unknown. */
  readonly permission?: (asked: AskedRole) => Permitted | undefined;
}

/** One container of the pod, and its last refusal. */
export interface SeenState {
  readonly phase: PodRowPhase;
  readonly container: string;
  readonly holding: ContainerHolding | undefined;
  /** Its role at admission. */
  readonly admitted: string | undefined;
  readonly code: string | undefined;
  readonly requestedRole: string | undefined;
  readonly refused: RefusalRecord | undefined;
}

/** What is known, with the injected pods of each namespace. */
type SeenSurroundings = PodSurroundings & { readonly originals?: ReadonlyMap<string, readonly SeenPod[]> };

/** Returns the diagnosis; undefined for a pod that is well, or that is still being started. */
export function diagnoseSeen(
  pod: SeenPod,
  state: SeenState,
  surroundings: SeenSurroundings,
): AnsweredDiagnosis | undefined {
  const answer = answerFor(pod, state, surroundings);
  return answer && completeAnswer(answer, answeredObject(pod));
}

/** What is well once the commands have helped: a pod that is created again may have another name. */
function answeredObject({ namespace, name, creator }: SeenPod): ConcernedObject {
  const [kind = "", owner = ""] = creator.split("/");
  return { namespace, kind: kind.toLowerCase(), name: kind === "Pod" ? name : owner };
}

function answerFor(pod: SeenPod, state: SeenState, surroundings: SeenSurroundings): AnsweredDiagnosis | undefined {
  const { phase, code, requestedRole } = state;
  const { installation = {}, server } = surroundings;
  if (phase === "terminating") return undefined;
  const request = pod.awaitsCertificate ? withoutCertificate(pod, surroundings) : undefined;
  if (request !== undefined) return request;
  if (phase === "not injected") return uninjected(pod, surroundings);
  const absence = phase === "ready" || !server ? undefined : absenceOf("server", server, installation);
  if (absence !== undefined && phase !== "absent") return absence;
  const lastEnd = phase === "ready" ? undefined : pod.sidecar?.lastEnd;
  if (code !== undefined || lastEnd !== undefined) {
    const serverMessage = refusalMessage(state.refused, code);
    const concerned: ConcernedPod = {
      ...concernedOf(pod, surroundings),
      message: lastEnd?.message ?? serverMessage,
      serverMessage,
    };
    const context = { ...concerned, isReady: phase === "ready" };
    const diagnosis =
      lastEnd === undefined
        ? diagnoseCode({ code: code ?? "", message: serverMessage }, context)
        : diagnoseEnd(lastEnd, context);
    const steps = code === undefined ? [] : stepsAfterCode(code, concerned);
    return { ...diagnosis, steps };
  }
  return requestedRole === undefined ? undefined : changed(pod, { ...state, requestedRole }, surroundings);
}

/** An answer takes a second or two, during which nothing is wrong with the pod. */
const REQUEST_MS = 10 * SECOND_MS;

/** Why the pod has no certificate yet; undefined if it has one, or has been created a moment ago. */
function withoutCertificate(pod: SeenPod, surroundings: SeenSurroundings): AnsweredDiagnosis | undefined {
  const { requests, now } = surroundings;
  if (requests === undefined) return undefined;
  const value = requests.get(pod.uid);
  const isNew = now - Date.parse(value?.created ?? pod.created ?? "") < REQUEST_MS;
  const diagnosis = diagnoseLastRequest({ value }, pod.node);
  if (diagnosis === undefined || (isNew && value?.answer === undefined)) return undefined;
  const restart = (purpose: string) => restartOf(pod, purpose);
  const steps = stepsAfterLastRequest({ value }, restart, concernedOf(pod, surroundings)) ?? [];
  return { ...diagnosis, steps };
}

/** What is known about the pod for diagnoses and commands. */
export function concernedOf(
  pod: SeenPod,
  { installation = {}, namespaces, compareTrust, originals }: SeenSurroundings,
): ConcernedPod {
  const { namespace, name, isCopy, mayBeCopy, template, named } = pod;
  const namespaceAnnotations = namespaces?.get(namespace)?.annotations;
  return {
    object: { namespace, kind: "pod", name },
    restart: restartOf(pod),
    isCopy: isCopy || mayBeCopy,
    isStripped: mayBeCopy,
    ended: pod.ended,
    ...((isCopy || mayBeCopy) && { original: findOriginal(pod, originals?.get(namespace) ?? []) }),
    roles: rolesNamedBy(template, named, { namespaceAnnotations, baseArn: installation.baseArn }),
    trust: compareTrust?.(pod.bundle),
    installation,
  };
}

function restartOf({ namespace, name: pod, creator: workload }: SeenPod, purpose?: string): readonly string[] {
  return restartWorkloadSteps({ namespace, pod, workload }, purpose);
}

function uninjected(pod: SeenPod, surroundings: SeenSurroundings): AnsweredDiagnosis {
  if (pod.mayBeCopy) {
    const concerned = concernedOf(pod, surroundings);
    return {
      ...strippedCopyDiagnosis(concerned),
      steps: stepsAfterCode("ROLE_MISSING", concerned),
    };
  }
  const { installation, isRegistered, registeredAt, namespaces } = surroundings;
  const { namespace, times = { created: pod.created, annotated: undefined } } = pod;
  const sight = namespaces?.get(namespace);
  return diagnoseUninjected({
    namespace,
    times,
    surroundings: { labelled: sight?.labelled, registeredAt },
    isLabelled: sight?.isLabelled,
    isRegistered,
    installation,
    restart: injectedRestartSteps({ ...pod, role: firstRole(pod.named) }),
  });
}

function changed(
  pod: SeenPod,
  { container, holding, admitted, requestedRole }: SeenState & { readonly requestedRole: string },
  surroundings: PodSurroundings,
): AnsweredDiagnosis {
  const { now, installation } = surroundings;
  const { namespace, name, named, template } = pod;
  const own = `${ANNOTATIONS.roleOfContainer}${container}`;
  const annotation = Object.hasOwn(named, own) ? own : ANNOTATIONS.role;
  const requested = resolveRole(requestedRole, installation?.baseArn ?? ANY_BASE_ARN, annotation);
  if (isRefusal(requested)) return diagnoseRefusedRenewal(requested, concernedOf(pod, surroundings));
  const wanted = resolvedRole(requestedRole, installation?.baseArn);
  const asked = { namespace, pod: name, container, role: wanted };
  const permission = installation?.isPinning ? undefined : surroundings.permission?.(asked);
  if (isRefusal(permission)) return diagnoseRefusedRenewal(permission, concernedOf(pod, surroundings));
  const isHeld = holding?.role !== undefined && holding.expiresAt !== undefined;
  return diagnoseChange(
    {
      pod: { namespace, kind: "pod", name },
      container,
      role: holding?.role ?? admitted ?? "",
      isHeld,
      annotation,
      requested: wanted,
      isPermitted: permission && true,
      renewed: holding?.renewedAt,
      expires: holding?.expiresAt,
      isPinning: installation?.isPinning,
      // Whoever has the pod's key reports what it likes, and may not change the pod's role.
      earlier: holding?.source === "reported" ? admitted : (holding?.role ?? admitted),
      template,
      restart: (purpose) => [...trialSteps({ ...pod, role: wanted }, purpose), ...restartOf(pod, purpose)],
    },
    now,
  );
}
