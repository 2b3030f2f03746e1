// What an operator does next about the pod that explain describes, from its state and the decision about it. Pure.
import { hasRoleAnnotation } from "../../injection/pod-annotations.ts";
import { ANNOTATIONS } from "../../policy/annotations.ts";
import { stepsAfterCreationFailure } from "../creation-failure.ts";
import {
  annotateStep,
  type ConcernedObject,
  type ConcernedPod,
  describeStep,
  editStep,
  labelStep,
  REGISTER_STEP,
  restartStep,
  stepsAfterCode,
} from "../next-steps.ts";
import { refusalMessage } from "../state/last-refusals.ts";
import { stepsAfterLastRequest } from "./certificate-request.ts";
import type { ExistingPod, ExplainInput, ExplainSettings, Explanation } from "./model.ts";
import { hasNoWebhook } from "./obstacles.ts";

/** What the steps follow from. */
export interface NextInput {
  readonly input: ExplainInput;
  readonly settings: ExplainSettings;
  readonly now: Explanation["now"];
  readonly existing: ExistingPod | undefined;
}

/** Returns the steps in their order, each once; none for a pod that is well. */
export function nextSteps(next: NextInput): readonly string[] {
  const { input, settings, existing } = next;
  const { failure } = input;
  const object = concernedObject(input);
  if (failure !== undefined) return stepsAfterCreationFailure(failure, object);
  const concerned: ConcernedPod = {
    object,
    ...(input.exists && { restart: restartStep(input.pod) }),
    isCopy: existing?.isCopy,
    trust: input.trust,
  };
  const server = serverSteps(settings, existing);
  if (server.length > 0) return server;
  const requested = input.lastRequest && stepsAfterLastRequest(input.lastRequest, input.pod, concerned);
  if (requested !== undefined) return requested;
  return [...new Set(existing?.injected ? injectedSteps(next, existing, concerned) : uninjectedSteps(next))];
}

function concernedObject({ kind, name, namespaceName: namespace, isManifest }: ExplainInput): ConcernedObject {
  return { kind: kind.toLowerCase(), name, namespace, isManifest };
}

/** Without the server, nothing about the pod itself helps. */
function serverSteps({ server }: ExplainSettings, existing: ExistingPod | undefined): readonly string[] {
  const isWaiting = existing?.state !== undefined && existing.state.phase !== "ready";
  if (!isWaiting || !("value" in server) || server.value?.ready !== 0) return [];
  return [describeStep(server.value)];
}

function injectedSteps(
  { input, now }: NextInput,
  { state, containers = [], differences = [] }: ExistingPod,
  concerned: ConcernedPod,
): readonly string[] {
  const end = state?.phase === "ready" ? undefined : state?.lastEnd;
  const held = containers.find(({ code }) => code !== undefined)?.code;
  const code = end?.code ?? held ?? (now.decision === "refuse" ? now.reason : undefined);
  if (code !== undefined) {
    const refused = input.held && "value" in input.held ? input.held.value?.refused : undefined;
    const serverMessage = refusalMessage(refused, code);
    return stepsAfterCode(code, { ...concerned, message: end?.message ?? serverMessage, serverMessage });
  }
  if (differences.length === 0) return [];
  return [...earlierRoleSteps(input, containers), restartStep(input.pod, NEW_POD)];
}

const NEW_POD =
  "only to use the new role before the next renewal: the new pod has the role that its manifest or template names";

/** Names the earlier role of the first container that has one in the annotation that names its role now. */
function earlierRoleSteps({ pod }: ExplainInput, containers: NonNullable<ExistingPod["containers"]>) {
  const annotations = pod.metadata.annotations ?? {};
  return containers.flatMap(({ container, holds, source, admitted }) => {
    // Whoever has the pod's key reports what it likes, and may not change the pod's role.
    const earlier = source === "reported" ? admitted : (holds ?? admitted);
    const own = `${ANNOTATIONS.roleOfContainer}${container}`;
    const annotation = Object.hasOwn(annotations, own) ? own : ANNOTATIONS.role;
    if (earlier === undefined || !Object.hasOwn(annotations, annotation)) return [];
    return [annotateStep(pod, { annotation, value: earlier, purpose: "only if the earlier role was right" })];
  });
}

function uninjectedSteps({ input, settings, now, existing }: NextInput): readonly string[] {
  const object = concernedObject(input);
  const restart = existing === undefined ? [] : [restartStep(input.pod)];
  if (now.decision === "inject") return [...(hasNoWebhook(settings) ? [REGISTER_STEP] : []), ...restart];
  if (now.decision === "refuse") return stepsAfterCode(now.reason, { object, message: now.message });
  if (now.reason === "NAMESPACE_NOT_LABELLED") return [labelStep(object.namespace), ...restart];
  if (now.reason === "NO_ROLE") return stepsAfterCode("ROLE_MISSING", { object });
  return now.reason === "INJECTION_DISABLED" && hasRoleAnnotation(input.pod)
    ? [editStep(object, "remove the annotation podrole.io/inject: disabled")]
    : [];
}
