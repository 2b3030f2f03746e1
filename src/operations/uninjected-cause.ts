// Why a pod was not injected that would be injected now, from the times that the API server keeps: of the pod, of its
// annotation, of the namespace's label and of the webhook's registration. Pure.
import { type FieldTime, fieldTimeOf } from "../kubernetes/field-time.ts";
import type { ObjectMeta, Pod } from "../kubernetes/objects.ts";
import { isRoleAnnotation, LABELS } from "../policy/annotations.ts";
import type { InstallationFacts } from "./installation-facts.ts";
import { REGISTERED_STEP, registerStep } from "./installer.ts";
import { commandsForAllStep, labelStep } from "./next-steps.ts";
import { type RunningPods, uninjectedText } from "./running-pods.ts";
import type { AnsweredDiagnosis } from "./sidecar-diagnosis.ts";

/** Times of the pod's surroundings; undefined if unknown. */
export interface SurroundingTimes {
  /** Last change of the namespace's label podrole.io/inject. */
  readonly labelled?: FieldTime | undefined;
  /** Creation of the webhook's configuration, RFC 3339. */
  readonly registeredAt?: string | undefined;
}

/** Times of the pod; undefined if unknown. */
export interface PodTimes {
  /** RFC 3339. */
  readonly created: string | undefined;
  /** Last change of its annotation of a role. */
  readonly annotated: FieldTime | undefined;
}

/** Returns the times of a pod. */
export function podTimesOf({ metadata }: Pick<Pod, "metadata">): PodTimes {
  const name = Object.keys(metadata.annotations ?? {}).find(isRoleAnnotation);
  const annotated = name === undefined ? undefined : fieldTimeOf(metadata, ["annotations", name]);
  return { created: metadata.creationTimestamp, annotated };
}

/** Returns the time of the label that makes podrole inject the namespace's pods. */
export function labelTimeOf(namespace: { readonly metadata: ObjectMeta } | undefined): FieldTime | undefined {
  return namespace && fieldTimeOf(namespace.metadata, ["labels", LABELS.inject]);
}

/** Returns the creation time of the oldest of these objects; undefined without one. */
export function oldestOf(objects: readonly { readonly metadata: ObjectMeta }[]): string | undefined {
  return objects.flatMap(({ metadata }) => metadata.creationTimestamp ?? []).toSorted()[0];
}

/** Returns why the pod was not injected, as far as the times say so, and whether the same is true of all namespaces. */
export function uninjectedCause(
  times: PodTimes,
  surroundings: SurroundingTimes,
): { readonly cause: string; readonly isOfCluster: boolean } {
  const cause = causeByTimes(times, surroundings);
  return { cause, isOfCluster: cause.includes(OLDER_THAN_REGISTRATION) };
}

const OLDER_THAN_REGISTRATION = "is older than the registration of podrole's webhook";

function causeByTimes({ created, annotated }: PodTimes, { labelled, registeredAt }: SurroundingTimes): string {
  const isBefore = (time: string | undefined) =>
    created !== undefined && time !== undefined && Date.parse(created) < Date.parse(time);
  if (labelled?.isExact && isBefore(labelled.at)) {
    return `the pod (created ${created}) is older than its namespace's label podrole.io/inject: enabled (set ${labelled.at})`;
  }
  if (isBefore(registeredAt)) {
    return `the pod (created ${created}) ${OLDER_THAN_REGISTRATION} (${registeredAt})`;
  }
  if (annotated?.isExact && isBefore(annotated.at)) {
    return `the pod (created ${created}) is older than its role annotation (set ${annotated.at})`;
  }
  if (labelled !== undefined && isBefore(labelled.at)) {
    return `the pod (created ${created}) may be older than its namespace's label podrole.io/inject: enabled (set ${labelled.at} or earlier)`;
  }
  if (created === undefined || labelled === undefined || registeredAt === undefined) return UNKNOWN_AGES;
  return `the pod (created ${created}) is younger than its namespace's label and the webhook's registration, so the API server admitted it without an answer of the webhook (failurePolicy: Ignore), or it had no role then`;
}

/** What may be the cause where the times are unknown. */
export const UNKNOWN_AGES =
  "the pod was created before its namespace had the label podrole.io/inject: enabled, or while podrole's webhook was not called";

/** podrole's webhook has no MutatingWebhookConfiguration. */
export const UNREGISTERED = "podrole's webhook is not registered";

/** What is known about a pod that names a role and has no podrole-sidecar. */
export interface UninjectedFacts {
  readonly namespace: string;
  readonly times: PodTimes;
  readonly surroundings: SurroundingTimes;
  /** Whether the namespace has podrole's label, and whether the webhook is registered; undefined: unknown. */
  readonly isLabelled: boolean | undefined;
  readonly isRegistered: boolean | undefined;
  readonly installation: InstallationFacts | undefined;
  /** How to have it created again; undefined if there is no pod yet. */
  readonly restart: readonly string[] | undefined;
}

/** Returns why it is not injected, what to do, and the commands for that. */
export function diagnoseUninjected(pod: UninjectedFacts): AnsweredDiagnosis {
  const { namespace, times, surroundings, isLabelled, isRegistered, installation = {}, restart } = pod;
  const again = restart ?? [];
  const thenAgain = restart === undefined ? "" : ` Then c${CREATE_AGAIN.slice(1)}`;
  const recovery = restart === undefined ? {} : { recovery: "needs a new pod" };
  if (isRegistered === false) {
    return {
      cause: `${UNREGISTERED}, so no new pod is injected`,
      remedy: `Register the webhook.${thenAgain}`,
      scope: unregisteredScope(installation.running),
      ...recovery,
      forAll: commandsForAllStep(NOT_INJECTED),
      steps: [registerStep(installation), REGISTERED_STEP, ...again],
    };
  }
  const forAll = commandsForAllStep(NOT_INJECTED, namespace);
  if (isLabelled === false) {
    const cause = `namespace ${namespace} does not have the label podrole.io/inject: enabled, so no new pod in it is injected`;
    const steps = [labelStep(namespace), ...again];
    return { cause, remedy: `Label the namespace.${thenAgain}`, ...recovery, forAll, steps };
  }
  const { cause, isOfCluster } = uninjectedCause(times, surroundings);
  return {
    cause,
    remedy: CREATE_AGAIN,
    ...(isOfCluster && { scope: "all namespaces: every pod that is older than the registration" }),
    ...recovery,
    forAll: isOfCluster ? commandsForAllStep(NOT_INJECTED) : forAll,
    steps: again,
  };
}

/** Says what it means that the webhook is not registered. */
export function unregisteredScope(running: RunningPods | undefined): string {
  const found = uninjectedText(running);
  return [UNREGISTERED_SCOPE, ...(found === undefined ? [] : [found])].join("; ");
}

const UNREGISTERED_SCOPE =
  "all namespaces with the label podrole.io/inject: enabled: no pod that is created in them is injected";

/** The command that prints the commands for every pod without podrole; undefined if it is known that there is none. */
export function restartsOfUninjected(running: RunningPods | undefined): string | undefined {
  return running?.uninjected.length === 0 ? undefined : commandsForAllStep(NOT_INJECTED);
}

const NOT_INJECTED = '.phase == "not injected"';
const CREATE_AGAIN = "Create the pod again: podrole injects pods only when they are created.";
