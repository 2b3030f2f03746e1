// The workloads whose pods the API server does not create because of podrole or of a quota: those of the Events
// FailedCreate of the last minutes, each looked up for what its status says now.
import type { OperatorResource } from "../kubernetes/api.ts";
import type { ObjectMeta } from "../kubernetes/objects.ts";
import type { OperatorKubernetes } from "../kubernetes/operator.ts";
import { isObject, objectAt } from "../runtime/json-object.ts";
import { answerFields } from "./answer.ts";
import { BLOCKED_MS } from "./blocked-time.ts";
import { readBlockingQuota } from "./blocking-quota.ts";
import { rolesNamedBy } from "./code-steps.ts";
import {
  type BlockedContext,
  diagnoseCreation,
  readCreationFailure,
  stepsAfterCreationFailure,
  workloadFailure,
  workloadReplicas,
} from "./creation-failure.ts";
import type { InstallationFacts } from "./installation-facts.ts";
import { type Known, readEach, readKnown } from "./known.ts";
import { labelledAnnotations, type NamespaceSights } from "./namespace-sight.ts";
import { type ConcernedObject, likelyWorkload, type StepFields } from "./next-steps.ts";
import type { Diagnosis } from "./sidecar-diagnosis.ts";
import { readSidecarShare } from "./sidecar-share.ts";

/** The fields of a core/v1 Event that are read. */
export interface EventObject {
  readonly involvedObject?: { readonly kind?: string; readonly namespace?: string; readonly name?: string };
  readonly reason?: string;
  readonly message?: string;
  readonly count?: number;
  readonly firstTimestamp?: string | null;
  readonly lastTimestamp?: string | null;
}

/** A workload whose pods the API server does not create. */
export interface BlockedWorkload extends StepFields, Diagnosis {
  readonly namespace: string;
  /** "deployment/orders", or the object that creates the pods. */
  readonly workload: string;
  /** Of the last attempt. */
  readonly time: string;
  readonly count: number;
}

/** Workloads that are looked up; each takes one call. */
const MAX_LOOKED_UP = 20;
/** Events of workloads that could not create a pod. */
export const FAILED_CREATIONS = "reason=FailedCreate";

/** Which workloads, and what is known about them. */
export interface BlockedOptions {
  /** Unix milliseconds. */
  readonly now: number;
  /** Those that are known. */
  readonly namespaces: NamespaceSights;
  readonly installation: InstallationFacts;
}

/**
 * Returns those whose last attempt failed in the last 20 minutes because of podrole or, in labelled namespaces, because
 * of a quota, and that still lack a pod; the newest first.
 */
export async function findBlockedWorkloads(
  { kubernetes }: { readonly kubernetes: Pick<OperatorKubernetes, "read" | "listAll"> },
  failures: readonly EventObject[],
  options: BlockedOptions,
): Promise<readonly BlockedWorkload[]> {
  const attempts = failedAttempts(failures, options);
  const lookedUp = new Set(attempts.slice(0, MAX_LOOKED_UP));
  const found = await readEach(attempts, async (attempt): Promise<readonly BlockedWorkload[]> => {
    const object = lookedUp.has(attempt) ? await readWorkload(kubernetes, attempt.object) : NOT_LOOKED_UP;
    const failure = "value" in object ? workloadFailure(object.value) : undefined;
    const { namespace } = attempt.object;
    const quota = await readBlockingQuota(kubernetes, { namespace, failure });
    const annotations = options.namespaces.get(namespace)?.annotations ?? {};
    const template = objectAt(objectAt("value" in object ? object.value : undefined, "spec"), "template");
    const shared = quota && { namespace, annotations, template, quota };
    const sidecar = shared && (await readSidecarShare(kubernetes, shared, options.installation.sidecarSizes));
    return blockedBy(attempt, { object, quota, sidecar }, options);
  });
  return found.flat();
}

interface FailedAttempt {
  readonly object: ConcernedObject;
  readonly message: string;
  readonly time: string;
  readonly count: number;
}

/** The last attempt of each workload, the newest first. */
function failedAttempts(
  failures: readonly EventObject[],
  { now, namespaces }: Pick<BlockedOptions, "now" | "namespaces">,
): readonly FailedAttempt[] {
  const attempts = failures.flatMap(({ involvedObject, message = "", count = 1, lastTimestamp }): FailedAttempt[] => {
    const { by } = readCreationFailure(message);
    const time = lastTimestamp ?? "";
    const { kind = "", namespace = "", name = "" } = involvedObject ?? {};
    const isRecent = now - Date.parse(time) < BLOCKED_MS;
    if (!isRecent || by === "other" || (by === "quota" && !namespaces.get(namespace)?.isLabelled)) return [];
    return [{ object: likelyWorkload({ namespace, kind: kind.toLowerCase(), name }), message, time, count }];
  });
  const newest = attempts.toSorted((a, b) => Date.parse(b.time) - Date.parse(a.time));
  return [
    ...Map.groupBy(newest, ({ object: { namespace, kind, name } }) => `${namespace}/${kind}/${name}`).values(),
  ].map(([first]) => first as FailedAttempt);
}

interface BlockedObject {
  readonly metadata: ObjectMeta;
}

const NOT_LOOKED_UP: Known<BlockedObject | undefined> = { unknown: "not read" };

/** Undefined if it does not exist. */
async function readWorkload(
  kubernetes: Pick<OperatorKubernetes, "read">,
  { namespace, kind, name }: ConcernedObject,
): Promise<Known<BlockedObject | undefined>> {
  const resource = WORKLOAD_RESOURCES[kind];
  if (resource === undefined) return NOT_LOOKED_UP;
  return readKnown(() => kubernetes.read<BlockedObject>(resource, { namespace, name }));
}

const WORKLOAD_RESOURCES: Readonly<Record<string, OperatorResource>> = {
  deployment: "deployments",
  replicaset: "replicasets",
  statefulset: "statefulsets",
  daemonset: "daemonsets",
  job: "jobs",
};

function blockedBy(
  { object, message, time, count }: FailedAttempt,
  {
    object: read,
    quota,
    sidecar,
  }: { readonly object: Known<BlockedObject | undefined> } & Pick<BlockedContext, "quota" | "sidecar">,
  { namespaces, installation }: BlockedOptions,
): readonly BlockedWorkload[] {
  const found = "value" in read ? read.value : undefined;
  const replicas = workloadReplicas(found);
  // Deleted, or all of its pods exist meanwhile.
  if ("value" in read && (found === undefined || !isStillBlocked(found))) return [];
  const context: BlockedContext = {
    object,
    roles: rolesOfWorkload(object, found, {
      namespaceAnnotations: labelledAnnotations(namespaces, object.namespace),
      installation,
    }),
    installation,
    replicas,
    quota,
    sidecar,
  };
  const answer = { ...diagnoseCreation(message, context), steps: stepsAfterCreationFailure(message, context) };
  return [
    {
      namespace: object.namespace,
      workload: `${object.kind}/${object.name}`,
      time,
      count,
      ...answerFields(answer, object),
    },
  ];
}

/** Deployments and ReplicaSets say so; of the others, a pod is missing. */
function isStillBlocked(workload: BlockedObject): boolean {
  if (workloadFailure(workload) !== undefined) return true;
  const { wanted, existing } = workloadReplicas(workload) ?? { wanted: 1, existing: 0 };
  return existing < wanted;
}

/** Returns where the roles of a workload's pods are named. */
export function rolesOfWorkload(
  object: ConcernedObject,
  workload: object | undefined,
  {
    namespaceAnnotations,
    installation: { baseArn },
  }: {
    readonly namespaceAnnotations: Readonly<Record<string, string>> | undefined;
    readonly installation: InstallationFacts;
  },
) {
  const template = objectAt(objectAt(workload, "spec"), "template");
  const annotations = objectAt(objectAt(template, "metadata"), "annotations") ?? {};
  const texts = Object.entries(isObject(annotations) ? annotations : {}).filter(
    (entry): entry is [string, string] => typeof entry[1] === "string",
  );
  return rolesNamedBy(object, Object.fromEntries(texts), { namespaceAnnotations, baseArn });
}
