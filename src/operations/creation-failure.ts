// Why a workload cannot create its pods, from the message of its condition ReplicaFailure or of an Event FailedCreate:
// who refuses them decides what to do next. Pure.
import type { ResourceRequirements } from "../kubernetes/objects.ts";
import { isErrorCode } from "../protocol/errors.ts";
import { objectAt, objectsAt } from "../runtime/json-object.ts";
import { shellQuote } from "./migrate/shell-commands.ts";
import { CHECK_STEP, type ConcernedObject, meantRole, stepsAfterCode } from "./next-steps.ts";
import { type QuotaShortage, quotaShortages } from "./quota-shortage.ts";
import { type Diagnosis, diagnoseEnd } from "./sidecar-diagnosis.ts";

/** Who refuses the pods. */
export type CreationFailure =
  /** podrole's webhook; `reason` is its message without the code. */
  | { readonly by: "podrole"; readonly code: string; readonly reason: string }
  /** The API server, because it cannot call podrole's webhook. */
  | { readonly by: "unreachable webhook" }
  /** A ResourceQuota; the shortages are those of its message that can be computed. */
  | { readonly by: "quota"; readonly quota: string; readonly shortages: readonly QuotaShortage[] }
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

/** Reads the message of the API server. */
export function readCreationFailure(message: string): CreationFailure {
  const [, code = "", reason = ""] = /podrole\.io" denied the request: ([A-Z_]+): (.*)$/s.exec(message) ?? [];
  if (isErrorCode(code)) return { by: "podrole", code, reason };
  if (/failed calling webhook "[\w.-]*podrole\.io"/.test(message)) return { by: "unreachable webhook" };
  const [, quota] = /exceeded quota: ([\w.-]+)/.exec(message) ?? [];
  return quota === undefined ? { by: "other" } : { by: "quota", quota, shortages: quotaShortages(message) };
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
    case "quota":
      return {
        obstacle: `ResourceQuota ${failure.quota} of the namespace refuses it`,
        condition: "the quota has room for it",
      };
    case "other":
      return { obstacle: "the API server refuses it", condition: "it no longer does" };
  }
}

/**
 * Returns who refuses the pods, and why, with what an operator does about it. `sidecar`: what podrole-sidecar requests
 * of a quota, if it is known.
 */
export function diagnoseCreation(message: string, sidecar?: ResourceRequirements): Diagnosis {
  const failure = readCreationFailure(message);
  switch (failure.by) {
    case "podrole": {
      const { cause, remedy = "" } = diagnoseEnd({ code: failure.code, message: failure.reason, at: "" });
      const meant = meantRole(failure.reason);
      const hint = meant === undefined ? "" : `Did you mean ${meant}? `;
      return { cause: `podrole refuses them: ${cause}`, remedy: `${hint}${remedy}` };
    }
    case "unreachable webhook":
      return {
        cause: `the API server cannot call podrole's webhook: ${message}`,
        remedy: "podrole check says why (WEBHOOK_READY, CA_BUNDLE, ADMISSION).",
      };
    case "quota": {
      const { quota, shortages } = failure;
      const missing = shortages.map((shortage) => shortageText(shortage, sidecar));
      // What is left of the quota serves the first pod alone.
      const amounts = shortages.map(
        ({ resource, requested, missing: amount }) =>
          `${resource} by ${amount} and by ${requested} for each further pod`,
      );
      return {
        cause: [
          `ResourceQuota ${quota} of the namespace refuses them, podrole does not: ${withoutPrefix(message)}`,
          ...missing,
        ].join("; "),
        remedy: `Raise ${amounts.length === 0 ? "the quota" : amounts.join(", ")}, or delete pods that count for it.`,
      };
    }
    case "other":
      return { cause: `podrole does not refuse them: ${withoutPrefix(message)}` };
  }
}

/** Events repeat what the object and the reason say already. */
function withoutPrefix(message: string): string {
  return message.replace(/^Error creating: /, "");
}

function shortageText({ resource, requested, missing }: QuotaShortage, sidecar: ResourceRequirements = {}): string {
  const [first = "", second] = resource.split(".");
  const share = first === "limits" ? sidecar.limits?.[second ?? ""] : sidecar.requests?.[second ?? first];
  const ofSidecar = share === undefined ? "" : `, ${share} of it for podrole-sidecar`;
  return `${missing} of ${resource} is missing (the pod requests ${requested}${ofSidecar})`;
}

/** Returns the next steps; none if podrole has nothing to do with it. */
export function stepsAfterCreationFailure(message: string, object: ConcernedObject): readonly string[] {
  const failure = readCreationFailure(message);
  switch (failure.by) {
    case "podrole":
      return stepsAfterCode(failure.code, { object, message: failure.reason });
    case "unreachable webhook":
      return [CHECK_STEP];
    case "quota": {
      const inNamespace = `kubectl -n ${shellQuote(object.namespace)}`;
      return [
        `${inNamespace} describe quota ${shellQuote(failure.quota)}  # what is used of it`,
        `${inNamespace} edit quota ${shellQuote(failure.quota)}  # raise it, or delete pods that count for it`,
      ];
    }
    case "other":
      return [`kubectl -n ${shellQuote(object.namespace)} describe ${shellQuote(`${object.kind}/${object.name}`)}`];
  }
}
