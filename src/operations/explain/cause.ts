// Why a pod is not well, what to do about it and with which commands, whom else it concerns and how the pod recovers,
// from everything that explain has found out: what an operator reads first. Pure.
import { PODROLE_NAMES } from "../../injection/names.ts";
import type { Plan } from "../../injection/plan.ts";
import { hasRoleAnnotation } from "../../injection/pod-annotations.ts";
import { allContainers } from "../../injection/shape.ts";
import type { ResourceRequirements } from "../../kubernetes/objects.ts";
import { completeAnswer } from "../answer.ts";
import { CHECK_STEP, type ConcernedPod, stepsAfterCode } from "../code-steps.ts";
import { diagnoseCreation, stepsAfterCreationFailure } from "../creation-failure.ts";
import { REGISTERED_STEP, registerStep } from "../installer.ts";
import { editStep, restartSteps } from "../next-steps.ts";
import { absenceOf } from "../program-absence.ts";
import {
  type AnsweredDiagnosis,
  COPY_DIAGNOSIS,
  type Diagnosis,
  diagnoseCode,
  diagnoseEnd,
  diagnoseRefusedRenewal,
  jointScope,
  strippedCopyDiagnosis,
} from "../sidecar-diagnosis.ts";
import type { SidecarEnd } from "../sidecar-state.ts";
import { refusalMessage } from "../state/last-refusals.ts";
import { firstRole, injectedRestartSteps, triedPod } from "../trial-pod.ts";
import { diagnoseUninjected, labelTimeOf, podTimesOf, unregisteredScope } from "../uninjected-cause.ts";
import { diagnoseLastRequest, diagnoseLostCertificate, stepsAfterLastRequest } from "./certificate-request.ts";
import { concernedPod } from "./concerned.ts";
import { NO_SERVER } from "./existing-pod.ts";
import type { ExistingPod, ExplainInput, ExplainSettings, Explanation } from "./model.ts";
import { hasNoWebhook } from "./obstacles.ts";
import { diagnoseRoleChange } from "./role-difference.ts";
import { scopeOf } from "./scope.ts";

/** What the diagnosis follows from. */
export interface DiagnosisInput extends Pick<Explanation, "now" | "obstacle" | "containers"> {
  readonly existing: ExistingPod | undefined;
  /** The decision on a new pod; absent if it is unknown. */
  readonly planned?: Plan;
  readonly input: ExplainInput;
  readonly settings: ExplainSettings;
}

/**
 * Returns the answer; no cause for a pod that is well, that is still being started, or that has succeeded. Each command
 * is in it once.
 */
export function diagnosePod(found: DiagnosisInput): Partial<Diagnosis> & Pick<Explanation, "next"> {
  const answer = explainedAnswer(found);
  if (answer === undefined) return { next: [] };
  const { input, settings, existing } = found;
  const { object, roles } = concernedPod(input, settings, existing);
  // A pod that a workload creates again has another name then.
  const isOfWorkload = roles !== undefined && roles.object.kind !== "pod";
  const { steps, forAll, ...diagnosis } = completeAnswer(answer, isOfWorkload ? roles.object : object);
  const hasAlike = (input.neighbours?.alike.length ?? 0) > 0;
  // That no other pod is in this state yet says nothing about a cause of all namespaces.
  const inNamespace = diagnosis.scope === undefined || hasAlike ? scopeOf(input) : undefined;
  const isOfMany = diagnosis.scope !== undefined || hasAlike;
  return {
    ...diagnosis,
    ...jointScope(diagnosis.scope, inNamespace),
    ...(forAll !== undefined && isOfMany && { forAll }),
    next: [...new Set(steps)],
  };
}

function explainedAnswer(found: DiagnosisInput): AnsweredDiagnosis | undefined {
  const { input, existing, planned } = found;
  if (input.failure !== undefined) return diagnoseFailure(found, { failure: input.failure, planned });
  if (existing?.ended !== undefined) return diagnoseFailed(found, existing);
  return diagnoseCertificate(found) ?? (existing?.injected ? diagnoseInjected(found, existing) : withoutSidecar(found));
}

function diagnoseFailure(
  { input, settings, existing }: DiagnosisInput,
  { failure, planned }: { readonly failure: string; readonly planned: Plan | undefined },
): AnsweredDiagnosis {
  const { replicas, quota } = input;
  const context = { ...concernedPod(input, settings, existing), sidecar: sidecarResources(planned), replicas, quota };
  const { cause, ...rest } = diagnoseCreation(failure, context);
  return {
    cause: `its pods cannot be created: ${cause}`,
    ...rest,
    steps: stepsAfterCreationFailure(failure, context),
  };
}

/** Without its certificate the pod does not start, whether it is injected or mounts one of podrole's by itself. */
function diagnoseCertificate({ input, settings, existing }: DiagnosisInput): AnsweredDiagnosis | undefined {
  const { lastRequest, pod } = input;
  const restart = (purpose: string) => restartSteps(pod, purpose);
  const lost = input.exists ? diagnoseLostCertificate(pod, restart) : undefined;
  if (lost !== undefined) return lost;
  const request = lastRequest && diagnoseLastRequest(lastRequest, pod.spec.nodeName);
  if (request === undefined || lastRequest === undefined) return undefined;
  const concerned = concernedPod(input, settings, existing);
  return {
    ...request,
    steps: stepsAfterLastRequest(lastRequest, restart, concerned) ?? [],
  };
}

function sidecarResources(planned: Plan | undefined): ResourceRequirements | undefined {
  if (planned?.decision !== "inject") return undefined;
  return allContainers(planned.pod).find(({ name }) => name === PODROLE_NAMES.sidecar)?.resources;
}

function diagnoseInjected(found: DiagnosisInput, pod: ExistingPod): AnsweredDiagnosis | undefined {
  const { input, settings } = found;
  const { state, isCopy } = pod;
  const concerned = concernedPod(input, settings, pod);
  if (state?.phase === "ready") return diagnoseReady(found, pod, concerned);
  const absence =
    "value" in settings.server && settings.server.value
      ? absenceOf("server", settings.server.value, settings.installation ?? {})
      : undefined;
  if (absence !== undefined && state?.phase !== "absent") return absence;
  if ("value" in settings.server && settings.server.value === undefined && state?.phase !== "absent") {
    return { cause: NO_SERVER, steps: [CHECK_STEP] };
  }
  const { lastEnd } = state ?? {};
  if (lastEnd !== undefined) return diagnoseLastEnd(found, pod, lastEnd);
  if (isCopy) return { ...COPY_DIAGNOSIS, steps: stepsAfterCode("ROLE_MISSING", concerned) };
  return diagnoseRoleChange(found, pod);
}

/** A pod with restartPolicy Never may have failed because it had no credentials; its sidecar's last words remain. */
function diagnoseFailed(found: DiagnosisInput, pod: ExistingPod): AnsweredDiagnosis | undefined {
  const lastEnd = pod.ended === "Failed" ? pod.state?.lastEnd : undefined;
  if (lastEnd?.code === undefined) return undefined;
  return { ...diagnoseLastEnd(found, pod, lastEnd), recovery: "needs a new pod: this one has ended" };
}

function diagnoseLastEnd(
  { input, settings }: DiagnosisInput,
  pod: ExistingPod,
  lastEnd: SidecarEnd,
): AnsweredDiagnosis {
  const { code, message } = lastEnd;
  const concerned = concernedPod(input, settings, pod);
  const context = { ...concerned, message, serverMessage: serverMessageOf(input, code) };
  return { ...diagnoseEnd(lastEnd, context), steps: code === undefined ? [] : stepsAfterCode(code, context) };
}

/** The server's own record of the pod's last refusal, if that had this code. */
function serverMessageOf({ held }: ExplainInput, code: string | undefined): string | undefined {
  return refusalMessage(held && "value" in held ? held.value?.refused : undefined, code);
}

function diagnoseReady(
  found: DiagnosisInput,
  pod: ExistingPod,
  concerned: ConcernedPod,
): AnsweredDiagnosis | undefined {
  const { input, now } = found;
  const refused = pod.containers?.find(({ code }) => code !== undefined);
  if (refused?.code !== undefined) {
    const serverMessage = serverMessageOf(input, refused.code);
    const context = { ...concerned, message: serverMessage, serverMessage, isReady: true };
    const { cause, ...rest } = diagnoseCode({ code: refused.code, message: serverMessage }, context);
    return {
      cause: `the last request of container ${refused.container} was refused: ${cause}`,
      ...rest,
      steps: stepsAfterCode(refused.code, context),
    };
  }
  if (now.decision === "refuse") {
    return diagnoseRefusedRenewal({ code: now.reason, message: now.message }, concerned);
  }
  return diagnoseRoleChange(found, pod);
}

function withoutSidecar(found: DiagnosisInput): AnsweredDiagnosis | undefined {
  const { input, settings, now, existing, obstacle } = found;
  const { installation = {} } = settings;
  const concerned = concernedPod(input, settings, existing);
  const restart =
    existing === undefined
      ? undefined
      : injectedRestartSteps(triedPod(input.pod, firstRole(concerned.roles?.annotations)));
  switch (now.decision) {
    case "unknown":
      return undefined;
    case "refuse": {
      const context = { ...concerned, message: now.message };
      const { cause, remedy } = diagnoseCode({ code: now.reason, message: now.message }, context);
      const steps = stepsAfterCode(now.reason, context);
      return { cause: `podrole refuses it: ${cause}`, ...(remedy !== undefined && { remedy }), steps };
    }
    case "skip":
      if (now.reason !== "NAMESPACE_NOT_LABELLED") return diagnoseSkipped(found, concerned);
      break;
    case "inject":
      if (obstacle !== undefined && !hasNoWebhook(settings)) {
        const steps = [registerStep(installation), REGISTERED_STEP, ...(restart ?? [])];
        return { cause: obstacle, remedy: SELECTOR_REMEDY, scope: unregisteredScope(installation.running), steps };
      }
      if (existing === undefined && !hasNoWebhook(settings)) return undefined;
  }
  return diagnoseUninjected({
    namespace: input.namespaceName,
    times: podTimesOf(input.pod),
    surroundings: { labelled: labelTimeOf(input.namespace), registeredAt: settings.registeredAt },
    isLabelled: now.reason !== "NAMESPACE_NOT_LABELLED",
    isRegistered: "unknown" in settings.webhooks ? undefined : !hasNoWebhook(settings),
    installation,
    restart,
  });
}

const SELECTOR_REMEDY = "Apply podrole's webhook configuration again.";

function diagnoseSkipped({ input, now, existing }: DiagnosisInput, concerned: ConcernedPod): AnsweredDiagnosis {
  if (now.reason === "NO_ROLE") {
    const { original } = concerned;
    if (original !== undefined && existing !== undefined) {
      const steps = stepsAfterCode("ROLE_MISSING", { ...concerned, isCopy: true, isStripped: true });
      return { ...strippedCopyDiagnosis(concerned), steps };
    }
    return { cause: now.message, remedy: NO_ROLE_REMEDY, steps: stepsAfterCode("ROLE_MISSING", concerned) };
  }
  const isDisabled = now.reason === "INJECTION_DISABLED" && hasRoleAnnotation(input.pod);
  const object = concerned.roles?.object ?? concerned.object;
  return {
    cause: now.message,
    steps: isDisabled ? [editStep(object, "remove the annotation podrole.io/inject: disabled")] : [],
  };
}

const NO_ROLE_REMEDY = "Annotate the pod with iam.amazonaws.com/role before it is created, if it is to have a role.";
