// The next commands after an error code. Pure; nothing is decided from them.
import { ANNOTATIONS, isRoleAnnotation } from "../policy/annotations.ts";
import { ERRORS, type ErrorCode, isErrorCode } from "../protocol/errors.ts";
import { deniedCall, namedDenialSteps } from "./denied-call.ts";
import { emulatorSteps } from "./emulated-sts.ts";
import type { EndedContainer } from "./ended-containers.ts";
import type { InstallationFacts } from "./installation-facts.ts";
import { objectArgument, shellQuote } from "./migrate/shell-commands.ts";
import { annotatePodsStep, type ConcernedObject, editStep } from "./next-steps.ts";
import { correctionSteps, type NamedRoles } from "./role-correction.ts";
import { unnamedSteps } from "./unnamed-denial.ts";
import { DISTRUST_STEPS, distrustOf, type PodTrust } from "./untrusted-server.ts";

/** The pod of which another one is a copy. */
export interface CopiedPod {
  readonly name: string;
  /** Image of the container that was added to the copy; undefined if none was. */
  readonly debugImage?: string;
}

/** What is known about a pod with an error code. */
export interface ConcernedPod {
  readonly object: ConcernedObject;
  /** How to have the pod created again; undefined if there is no pod yet. */
  readonly restart?: readonly string[] | undefined;
  /** Where its role is named; undefined if unknown. */
  readonly roles?: NamedRoles | undefined;
  /** True for a copy that `kubectl debug` made without the pod's labels and annotations. */
  readonly isCopy?: boolean | undefined;
  /** What it is a copy of; undefined if that pod is not found. */
  readonly original?: CopiedPod | undefined;
  /** True for a copy out of which podrole took its sidecar: it runs without the role. */
  readonly isStripped?: boolean | undefined;
  /** Containers of a copy that have ended with an error. */
  readonly ended?: readonly EndedContainer[] | undefined;
  /** The pod's CAs beside the published ones; undefined if unknown. */
  readonly trust?: PodTrust | undefined;
  /** The error's message. A pod's author or an Event's may have written it: no principal or role is taken from it. */
  readonly message?: string | undefined;
  /** The same message as the server itself recorded it: that of STS names principal and role. */
  readonly serverMessage?: string | undefined;
  readonly installation?: InstallationFacts | undefined;
}

/** Returns the steps after an error code; every code has at least one. */
export function stepsAfterCode(code: string, concerned: ConcernedPod): readonly string[] {
  const known = isErrorCode(code) ? CODE_STEPS[code] : undefined;
  if (known !== undefined) return known(concerned);
  // Errors that a retry may cure are of podrole's programs, their network or AWS; the others are of the pod.
  const isOfPod = isErrorCode(code) && !ERRORS[code].retry;
  return [isOfPod ? editStep(editedObject(concerned), "correct what the message names") : CHECK_STEP];
}

/** Looks for the cause in the installation. */
export const CHECK_STEP = "podrole check --quiet";

const editedObject = ({ roles, object }: ConcernedPod): ConcernedObject => roles?.object ?? object;

const CODE_STEPS: { readonly [Code in ErrorCode]?: (concerned: ConcernedPod) => readonly string[] } = {
  ROLE_FORBIDDEN: ({ object, roles = { object, annotations: {} } }) => correctionSteps(roles),
  ROLE_MISSING: (concerned) => (concerned.isCopy ? copySteps(concerned) : nameRoleSteps(editedObject(concerned))),
  STS_DENIED: (concerned) => [
    ...emulatorSteps(concerned.installation?.emulatedSts),
    ...(namedDenialSteps(concerned) ?? unnamedSteps(deniedCall(concerned.serverMessage ?? ""), concerned)),
  ],
  SERVER_UNTRUSTED: ({ restart, message = "", trust, installation }) =>
    DISTRUST_STEPS[distrustOf(message, trust)](restart ?? [], installation?.running),
};

function nameRoleSteps(object: ConcernedObject): readonly string[] {
  return [annotatePodsStep(object, ANNOTATIONS.role, { value: "ROLE", purpose: "ROLE: the name or ARN of its role" })];
}

/** Returns the commands after which the copy has the role of the pod that it is a copy of. */
function copySteps({ object: { namespace, name }, original, ended = [], isStripped }: ConcernedPod): readonly string[] {
  const inNamespace = `kubectl -n ${shellQuote(namespace)}`;
  const needed = isStripped ? "only if the copy is to have the role, " : "";
  const { name: from = "POD", debugImage = "busybox" } = original ?? {};
  const lost =
    original === undefined
      ? `  # ${needed}POD: the pod to copy, because the one that was copied is not found`
      : `  # ${needed}copies it again, and opens a shell in it`;
  // Without --keep-labels: with the labels, a Service sends requests to the copy, and a ReplicaSet may adopt it.
  return [
    ...ended.map(
      (container) =>
        `${inNamespace} logs ${objectArgument("pod", name)} -c ${shellQuote(container.name)}  # shows what the container wrote before it ended`,
    ),
    `${inNamespace} delete ${objectArgument("pod", name)}  # ${needed}deletes the copy, and what was done in it`,
    `${inNamespace} debug ${objectArgument("pod", from)} -it --copy-to=${shellQuote(name)} --keep-annotations --image=${shellQuote(debugImage)} -- sh${lost}`,
  ];
}

/** Returns where the roles of a pod or of a pod template are named. */
export function rolesNamedBy(
  object: ConcernedObject,
  annotations: Readonly<Record<string, string>> = {},
  place: Pick<NamedRoles, "namespaceAnnotations" | "baseArn"> = {},
): NamedRoles {
  const named = Object.entries(annotations).filter(([name]) => isRoleAnnotation(name));
  return { object, annotations: Object.fromEntries(named), ...place };
}
