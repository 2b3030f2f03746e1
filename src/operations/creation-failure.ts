// Why a workload cannot create its pods, from the message of its condition ReplicaFailure or of an Event FailedCreate:
// who refuses them decides what to do next. Pure.
import { isErrorCode } from "../protocol/errors.ts";
import { shellQuote } from "./migrate/shell-commands.ts";
import { CHECK_STEP, type ConcernedObject, stepsAfterCode } from "./next-steps.ts";

/** Who refuses the pods. */
export type CreationFailure =
  /** podrole's webhook; `reason` is its message without the code. */
  | { readonly by: "podrole"; readonly code: string; readonly reason: string }
  /** The API server, because it cannot call podrole's webhook. */
  | { readonly by: "unreachable webhook" }
  /** A ResourceQuota. */
  | { readonly by: "quota"; readonly quota: string }
  /** Something else than podrole. */
  | { readonly by: "other" };

/** Reads the message of the API server. */
export function readCreationFailure(message: string): CreationFailure {
  const [, code = "", reason = ""] = /podrole\.io" denied the request: ([A-Z_]+): (.*)$/s.exec(message) ?? [];
  if (isErrorCode(code)) return { by: "podrole", code, reason };
  if (/failed calling webhook "[\w.-]*podrole\.io"/.test(message)) return { by: "unreachable webhook" };
  const [, quota] = /exceeded quota: ([\w.-]+)/.exec(message) ?? [];
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
    case "quota":
      return {
        obstacle: `ResourceQuota ${failure.quota} of the namespace refuses it`,
        condition: "the quota has room for it",
      };
    case "other":
      return { obstacle: "the API server refuses it", condition: "it no longer does" };
  }
}

/** Returns who refuses the pods, and why. */
export function creationFailureText(message: string): string {
  const failure = readCreationFailure(message);
  switch (failure.by) {
    case "podrole":
      return `podrole refuses them: ${failure.code}: ${failure.reason}`;
    case "unreachable webhook":
      return `the API server cannot call podrole's webhook: ${message}`;
    case "quota":
      return `ResourceQuota ${failure.quota} of the namespace refuses them, podrole does not: ${message}`;
    case "other":
      return `podrole does not refuse them: ${message}`;
  }
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
