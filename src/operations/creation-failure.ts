// Why a workload cannot create its pods, from the message of its condition ReplicaFailure or of an Event FailedCreate:
// who refuses them decides what to do next. Pure.
import type { ResourceRequirements } from "../kubernetes/objects.ts";
import { ERRORS, type ErrorCode, isErrorCode } from "../protocol/errors.ts";
import { objectAt, objectsAt } from "../runtime/json-object.ts";
import { CHECK_STEP, type ConcernedPod, stepsAfterCode } from "./code-steps.ts";
import { REGISTERED_STEP, registerStep } from "./installer.ts";
import { objectArgument, shellQuote } from "./migrate/shell-commands.ts";
import { isRolledOut } from "./next-steps.ts";
import { type BlockingQuota, type QuotaShortage, quotaShortages } from "./quota-shortage.ts";
import { type Diagnosis, diagnoseCode, jointScope } from "./sidecar-diagnosis.ts";
import { restartsOfUninjected, UNREGISTERED, unregisteredScope } from "./uninjected-cause.ts";

/** Who refuses the pods. */
export type CreationFailure =
  /** podrole's webhook; `reason` is its message without the code. */
  | { readonly by: "podrole"; readonly code: ErrorCode; readonly reason: string }
  /** The API server, because it cannot call podrole's webhook. */
  | { readonly by: "unreachable webhook" }
  /** podrole's admission policy, because the pod names a role and has no podrole-sidecar. */
  | { readonly by: "admission policy" }
  /** A ResourceQuota. */
  | { readonly by: "quota"; readonly quota: string }
  /** Something else than podrole. */
  | { readonly by: "other" };

/**
 * Returns the message of condition ReplicaFailure, which Deployments and ReplicaSets have, such as that a quota is used
 * up or an admission webhook refuses the pods; undefined for a workload without it.
 * (https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#failed-deployment)
 */
export function workloadFailure(workload: object | undefined): string | undefined {
  const conditions = objectsAt(objectAt(workload, "status"), "conditions");
  const failed = conditions.find(({ type, status }) => type === "ReplicaFailure" && status === "True");
  return typeof failed?.["message"] === "string" ? failed["message"] : undefined;
}

/** Of ValidatingAdmissionPolicy podrole-sidecar (manifests/base/admission-policy.yaml), which an overlay may rename. */
const POLICY_MESSAGE = "the pod names a role in its annotations and has no podrole-sidecar";

/** What controllers write before the API server's message in an Event FailedCreate. */
const EVENT_PREFIX = String.raw`(?:Error creating: |create Pod \S+ in StatefulSet \S+ failed error: )?`;
/** The API server's message from its beginning: what follows may quote a tenant's names, as that of a Secret. */
const messageWith = (form: string, flags?: string) => new RegExp(`^${EVENT_PREFIX}${form}`, flags);
const BY_PODROLE = messageWith(
  String.raw`admission webhook "[\w.-]*podrole\.io" denied the request: ([A-Z_]+): (.*)$`,
  "s",
);
const BY_UNREACHABLE_WEBHOOK = messageWith(
  String.raw`Internal error occurred: failed calling webhook "[\w.-]*podrole\.io": `,
);
const FORBIDDEN = 'pods "[^"]*" is forbidden: ';
const BY_POLICY = messageWith(
  `${FORBIDDEN}ValidatingAdmissionPolicy '[^']*' with binding '[^']*' denied request: ${POLICY_MESSAGE}`,
);
const BY_QUOTA = messageWith(String.raw`${FORBIDDEN}exceeded quota: ([\w.-]+), requested: `);

/** Reads the message of the API server, as a workload's status or an Event has it. */
export function readCreationFailure(message: string): CreationFailure {
  const [, code = "", reason = ""] = BY_PODROLE.exec(message) ?? [];
  if (isErrorCode(code)) return { by: "podrole", code, reason };
  if (BY_UNREACHABLE_WEBHOOK.test(message)) return { by: "unreachable webhook" };
  if (BY_POLICY.test(message)) return { by: "admission policy" };
  const [, quota] = BY_QUOTA.exec(message) ?? [];
  return quota === undefined ? { by: "other" } : { by: "quota", quota };
}

/** Returns what keeps pods from being created, and when it is gone; undefined if podrole's decision does. */
export function creationObstacle(
  failure: CreationFailure,
): { readonly obstacle: string; readonly condition: string } | undefined {
  switch (failure.by) {
    case "podrole":
      return undefined;
    case "unreachable webhook":
      return { obstacle: "the API server cannot call podrole's webhook", condition: "it can" };
    case "admission policy":
      return { obstacle: "podrole's admission policy refuses it", condition: "the API server calls podrole's webhook" };
    case "quota":
      return {
        obstacle: `ResourceQuota ${failure.quota} of the namespace refuses it`,
        condition: "the quota has room for it",
      };
    case "other":
      return { obstacle: "the API server refuses it", condition: "it no longer does" };
  }
}

/** What is known about the workload whose pods are refused. */
export interface BlockedContext extends ConcernedPod {
  /** What podrole-sidecar requests of a quota; undefined if unknown. */
  readonly sidecar?: ResourceRequirements | undefined;
  /** How many of its pods there are, and how many there should be; undefined if unknown. */
  readonly replicas?: WorkloadReplicas | undefined;
  /** The quota that refuses the pods; undefined if none does, or it could not be read. */
  readonly quota?: BlockingQuota | undefined;
}

/** Pods of a workload. */
export interface WorkloadReplicas {
  readonly wanted: number;
  readonly existing: number;
}

/** Returns how many pods a workload has and wants; undefined if its status does not say. */
export function workloadReplicas(workload: object | undefined): WorkloadReplicas | undefined {
  const [spec, status] = [objectAt(workload, "spec"), objectAt(workload, "status")];
  const numberIn = (found: Record<string, unknown> | undefined, ...names: readonly string[]) =>
    names.map((name) => found?.[name]).find((value) => typeof value === "number");
  // A DaemonSet has no number of its own, and a Job starts so many pods at once.
  const wanted = numberIn(status, "desiredNumberScheduled") ?? numberIn(spec, "replicas", "parallelism");
  if (wanted === undefined) return undefined;
  return { wanted, existing: numberIn(status, "replicas", "currentNumberScheduled", "active") ?? 0 };
}

/** "0 of 3 replicas exist"; undefined if unknown. */
function replicasText(replicas: WorkloadReplicas | undefined): string | undefined {
  if (replicas === undefined) return undefined;
  const { wanted, existing } = replicas;
  return `${existing} of ${wanted} ${wanted === 1 ? "replica exists" : "replicas exist"}`;
}

/**
 * The pods that a quota has to have room for: all that are missing, and the one more that a rollout of a Deployment
 * creates before it ends another. If no pod is missing, that is the one that was refused.
 */
function neededPods({ object, replicas }: Pick<BlockedContext, "object" | "replicas">) {
  const missing = replicas === undefined ? 0 : replicas.wanted - replicas.existing;
  return missing > 0 ? { missing, surge: object.kind === "deployment" ? 1 : 0 } : { missing: 1, surge: 0 };
}

/** Returns who refuses the pods, and why, with what an operator does about it, and how many pods there are. */
export function diagnoseCreation(message: string, context: BlockedContext): Diagnosis {
  const diagnosis = refusalOfCreation(message, context);
  return { ...diagnosis, ...jointScope(diagnosis.scope, replicasText(context.replicas)) };
}

function refusalOfCreation(message: string, context: BlockedContext): Diagnosis {
  const failure = readCreationFailure(message);
  switch (failure.by) {
    case "podrole": {
      const { cause, remedy, scope } = diagnoseCode({ code: failure.code, message: failure.reason }, context);
      return {
        cause: `podrole refuses them: ${cause}`,
        ...(remedy !== undefined && { remedy }),
        ...(scope !== undefined && { scope }),
        recovery: ERRORS[failure.code].retry ? RETRIED_CREATION : CHANGED,
      };
    }
    case "unreachable webhook":
      return {
        cause: `the API server cannot call podrole's webhook: ${message}`,
        remedy: "podrole check says why (WEBHOOK_READY, CA_BUNDLE, ADMISSION).",
        scope: "all namespaces with the label podrole.io/inject: enabled: no pod can be created in them",
        recovery: RETRIED_CREATION,
      };
    case "admission policy":
      return diagnosePolicy(context);
    case "quota":
      return diagnoseQuota(message, failure.quota, context);
    case "other":
      return { cause: `podrole does not refuse them: ${withoutPrefix(message)}` };
  }
}

const CHANGED =
  "by itself: a changed pod template makes new pods at once; after a change of something else, the controller tries again, after waits of at most 17 min";

/** (https://github.com/kubernetes/client-go/blob/master/util/workqueue/default_rate_limiters.go) */
export const RETRIED_CREATION = "by itself: the controller tries again, after waits of at most 17 min";

const ROOM = `once the quota has room, ${RETRIED_CREATION}`;

function diagnosePolicy({ installation }: BlockedContext): Diagnosis {
  const refuses = "podrole's admission policy refuses them, because they name a role and would run without podrole";
  const isUnregistered = installation?.isRegistered === false;
  const forAll = isUnregistered ? restartsOfUninjected(installation.running) : undefined;
  return {
    cause: isUnregistered ? `${UNREGISTERED}, and ${refuses}` : `${refuses}: podrole's webhook did not see them`,
    remedy: isUnregistered
      ? "Register the webhook."
      : "podrole check says why the webhook did not see them (WEBHOOK_REGISTERED, WEBHOOK_SELECTOR, FAILURE_POLICY, OTHER_WEBHOOKS).",
    scope: unregisteredScope(installation?.running),
    recovery: RETRIED_CREATION,
    ...(forAll !== undefined && { forAll }),
  };
}

function diagnoseQuota(message: string, quota: string, context: BlockedContext): Diagnosis {
  const { sidecar } = context;
  const { missing, surge } = neededPods(context);
  const shortages = shortagesOf(quota, context, missing + surge);
  const requests = shortages.map((shortage) => requestText(shortage, sidecar));
  const amounts = shortages.map(({ resource, missing: lacking, needed }) => `${resource} by ${lacking} to ${needed}`);
  const raised = amounts.length === 0 ? "the quota" : amounts.join(", ");
  const pods = missing === 1 ? "the missing pod" : `all ${missing} missing pods`;
  const enough =
    surge === 0 ? [] : shortagesOf(quota, context, missing).map(({ needed, resource }) => `${needed} of ${resource}`);
  const spare =
    enough.length === 0
      ? ""
      : ` and for the one more that a rollout creates; without a rollout, ${enough.join(" and ")} would do`;
  return {
    cause: [
      `ResourceQuota ${quota} of the namespace refuses them, podrole does not: ${withoutPrefix(message)}`,
      ...requests,
    ].join("; "),
    remedy: `Raise ${raised}, for ${pods} beside those that count now${spare}.`,
    recovery: ROOM,
  };
}

/** Only of the quota that was read: an amount from a text would become one of a command. */
function shortagesOf(name: string, { quota }: BlockedContext, pods: number): readonly QuotaShortage[] {
  return quota?.name === name ? quotaShortages(quota, pods) : [];
}

/** Events repeat what the object and the reason say already. */
function withoutPrefix(message: string): string {
  return message.replace(/^Error creating: /, "").replace(/^pods "[^"]*" is forbidden: /, "");
}

function requestText({ resource, requested }: QuotaShortage, sidecar: ResourceRequirements = {}): string {
  const [first = "", second] = resource.split(".");
  const share = first === "limits" ? sidecar.limits?.[second ?? ""] : sidecar.requests?.[second ?? first];
  const ofSidecar = share === undefined ? "" : `, ${share} of it for podrole-sidecar`;
  return `each pod takes ${requested} of ${resource}${ofSidecar}`;
}

/** Returns the next steps; none if podrole has nothing to do with it. */
export function stepsAfterCreationFailure(message: string, context: BlockedContext): readonly string[] {
  const failure = readCreationFailure(message);
  const { object } = context;
  const inNamespace = `kubectl -n ${shellQuote(object.namespace)}`;
  switch (failure.by) {
    case "podrole": {
      const steps = stepsAfterCode(failure.code, { ...context, message: failure.reason });
      // After others, the template is changed, which makes new pods at once.
      if (failure.code === "ROLE_FORBIDDEN") return [...steps, ...againSteps(context, PERMITTED_AGAIN)];
      return ERRORS[failure.code].retry ? [...steps, ...againSteps(context)] : steps;
    }
    case "unreachable webhook":
      return [CHECK_STEP];
    case "admission policy":
      return context.installation?.isRegistered === false
        ? [registerStep(context.installation), REGISTERED_STEP, ...againSteps(context)]
        : [CHECK_STEP];
    case "quota": {
      const { missing, surge } = neededPods(context);
      const quota = objectArgument("quota", failure.quota);
      const shortages = shortagesOf(failure.quota, context, missing + surge);
      const hard = Object.fromEntries(shortages.map(({ resource, needed }) => [resource, needed]));
      const present = shortages.map(({ resource, limit }) => `${resource} from ${limit}`).join(", ");
      const patch = shellQuote(JSON.stringify({ spec: { hard } }));
      return [
        `${inNamespace} describe ${quota}  # shows what is used of it now`,
        shortages.length === 0
          ? `${inNamespace} edit ${quota}  # raise it`
          : `${inNamespace} patch ${quota} --type merge -p ${patch}  # raises ${present}`,
        ...againSteps(context),
      ];
    }
    case "other":
      return [`${inNamespace} describe ${objectArgument(object.kind, object.name)}`];
  }
}

/** The page of podrole ui knows the step by it. */
const PERMITTED_AGAIN = "only after the namespace permits it, to have it try again at once";

function againSteps({ object }: BlockedContext, purpose = "only to have it try again at once"): readonly string[] {
  if (!isRolledOut(object)) return [];
  const { namespace, kind, name } = object;
  const target = objectArgument(kind, name);
  return [`kubectl -n ${shellQuote(namespace)} rollout restart ${target}  # ${purpose}`];
}
