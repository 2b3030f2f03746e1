// Why a pod is not well and what to do about it, in one line each, from everything that explain has found out: what an
// operator reads first. Pure.
import { PODROLE_NAMES } from "../../injection/names.ts";
import type { Plan } from "../../injection/plan.ts";
import { allContainers } from "../../injection/shape.ts";
import { hasFinished, type ResourceRequirements } from "../../kubernetes/objects.ts";
import { ERRORS, isErrorCode } from "../../protocol/errors.ts";
import { diagnoseCreation } from "../creation-failure.ts";
import { COPY_DIAGNOSIS, type Diagnosis, diagnoseEnd } from "../sidecar-diagnosis.ts";
import { labelTimeOf, podTimesOf, uninjectedCause } from "../uninjected-cause.ts";
import { diagnoseLastRequest } from "./certificate-request.ts";
import { serverAbsence } from "./existing-pod.ts";
import type { ExistingPod, ExplainInput, ExplainSettings, Explanation } from "./model.ts";
import { hasNoWebhook, UNREGISTERED } from "./obstacles.ts";

/** What the diagnosis follows from. */
export interface DiagnosisInput extends Pick<Explanation, "now" | "obstacle"> {
  readonly existing: ExistingPod | undefined;
  /** The decision on a new pod; absent if it is unknown. */
  readonly planned?: Plan;
  readonly input: ExplainInput;
  readonly settings: ExplainSettings;
}

/** Returns the diagnosis; undefined for a pod that is well, that is still being started, or that has finished. */
export function diagnosePod(found: DiagnosisInput): Diagnosis | undefined {
  const { input, existing, planned } = found;
  if (input.failure !== undefined) {
    const { cause, ...remedy } = diagnoseCreation(input.failure, sidecarResources(planned));
    return { cause: `its pods cannot be created: ${cause}`, ...remedy };
  }
  if (input.exists && hasFinished(input.pod)) return undefined;
  return existing?.injected ? diagnoseInjected(found, existing) : diagnoseUninjected(found);
}

function sidecarResources(planned: Plan | undefined): ResourceRequirements | undefined {
  if (planned?.decision !== "inject") return undefined;
  return allContainers(planned.pod).find(({ name }) => name === PODROLE_NAMES.sidecar)?.resources;
}

function diagnoseInjected({ input, settings, now }: DiagnosisInput, pod: ExistingPod): Diagnosis | undefined {
  const { state, isCopy, containers = [] } = pod;
  const withoutCertificate = input.lastRequest && diagnoseLastRequest(input.lastRequest, input.pod);
  if (withoutCertificate !== undefined) return withoutCertificate;
  if (state?.phase === "ready") {
    const refused = containers.find(({ code }) => code !== undefined);
    if (refused !== undefined) {
      const cause = `the last request of container ${refused.container} was refused with ${refused.code}`;
      return withRemedyOf(refused.code, cause);
    }
    return now.decision === "refuse"
      ? withRemedyOf(now.reason, `its next renewal is refused: ${now.reason}: ${now.message}`)
      : undefined;
  }
  const absence = serverAbsence(settings.server);
  if (absence !== undefined && state?.phase !== "absent") return { cause: absence, remedy: SERVER_REMEDY };
  if (state?.lastEnd !== undefined) {
    return diagnoseEnd(state.lastEnd, { isCopy, trust: input.trust });
  }
  return isCopy ? COPY_DIAGNOSIS : undefined;
}

const SERVER_REMEDY =
  "Make a replica of the server ready. Waiting pods then get credentials by themselves, within 5 minutes; running pods keep theirs until they expire.";

function diagnoseUninjected({ input, settings, now, existing, obstacle }: DiagnosisInput): Diagnosis | undefined {
  const again = existing === undefined ? "" : ` ${THEN_CREATE_AGAIN}`;
  if (now.decision === "unknown") return undefined;
  if (now.decision === "refuse") return withRemedyOf(now.reason, `podrole refuses it: ${now.reason}: ${now.message}`);
  if (now.reason === "NAMESPACE_NOT_LABELLED") {
    return {
      cause: `namespace ${input.namespaceName} does not have the label podrole.io/inject: enabled, so no pod in it is injected`,
      remedy: `Label the namespace.${again}`,
    };
  }
  if (now.reason === "NO_ROLE") return { cause: now.message, remedy: NO_ROLE_REMEDY };
  if (now.decision === "skip") return { cause: now.message };
  if (hasNoWebhook(settings)) {
    return { cause: `${UNREGISTERED}, so no new pod is injected`, remedy: `Register the webhook.${again}` };
  }
  if (obstacle !== undefined) return { cause: obstacle, remedy: `${SELECTOR_REMEDY}${again}` };
  if (existing === undefined) return undefined;
  const { registeredAt } = settings;
  const surroundings = { labelled: labelTimeOf(input.namespace), registeredAt };
  return { cause: uninjectedCause(podTimesOf(input.pod), surroundings), remedy: CREATE_AGAIN };
}

const CREATE_AGAIN = "Create the pod again: podrole injects pods only when they are created.";
const THEN_CREATE_AGAIN = "Then create the pod again: podrole injects pods only when they are created.";
const SELECTOR_REMEDY = "Apply manifests/base/webhook-configuration.yaml again, or upgrade the chart.";
const NO_ROLE_REMEDY =
  "If the pod is to have a role, annotate it with iam.amazonaws.com/role before it is created. If it is a copy that kubectl debug made, delete it and copy the pod again with --keep-annotations.";

function withRemedyOf(code: string | undefined, cause: string): Diagnosis {
  return code !== undefined && isErrorCode(code) ? { cause, remedy: ERRORS[code].remedy } : { cause };
}
