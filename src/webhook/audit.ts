// The record of a decision in podrole's own audit log, and its annotations in the API server's audit log. Names and
// codes only: the pod itself may contain secrets in its environment and is never recorded.
import { hash } from "node:crypto";
import type { Plan } from "../injection/plan.ts";
import { controllerOf } from "../kubernetes/objects.ts";
import type { RoleDecision } from "../policy/decide.ts";
import type { AdmissionLine, AdmissionRole } from "../runtime/audit-line.ts";
import { isObject } from "../runtime/json-object.ts";
import type { AdmissionRequest } from "./review.ts";
import { MAX_WARNINGS, warningTexts } from "./warning-texts.ts";

/**
 * What is answered and recorded: a plan, with the JSON text of the patch in place of its pod; undefined when nothing
 * changes.
 */
export type PatchedPlan = Pick<Plan, "message" | "warnings" | "roles"> &
  DecisionOf<Plan> & { readonly patch: string | undefined };

/** Decision and reason, which belong together. */
type DecisionOf<Planned> = Planned extends Plan ? Pick<Planned, "decision" | "reason"> : never;

/** Builds the record of kind "admission". `patchDigest` is absent when nothing changes. */
export function admissionRecord(
  { uid, user, namespace, dryRun, object, caller = "unproven" }: AdmissionRequest,
  { decision, reason, message, roles, patch, warnings }: PatchedPlan,
  durationMs: number,
): AdmissionLine {
  const metadata = isObject(object) && isObject(object["metadata"]) ? object["metadata"] : {};
  const groups = caller === "api-server" ? cutGroups(user.groups) : groupsBeside(shortText(user.name), user.groups);
  return {
    audit: "admission",
    caller,
    request: uid,
    user: shortText(user.name),
    groups,
    groupsOmitted: countBeyond(groups.length, user.groups),
    namespace,
    pod: shortText(metadata["name"]),
    generateName: shortText(metadata["generateName"]),
    owner: ownerFields(metadata["ownerReferences"]),
    dryRun,
    roles: roles.slice(0, MAX_ROLES).map(rolePart),
    rolesOmitted: countBeyond(MAX_ROLES, roles),
    decision,
    reason,
    message: decision === "refuse" ? message : undefined,
    warnings: warnings.length > 0 ? warningTexts(warnings) : undefined,
    warningsOmitted: countBeyond(MAX_WARNINGS, warnings),
    patchDigest: patch === undefined ? undefined : `sha256:${hash("sha256", patch)}`,
    durationMs,
  };
}

/**
 * Builds the annotations of the API server's audit event, which prefixes each key with the webhook's name. `request`
 * joins that event with podrole's record, because a pod created by generateName has neither name nor uid at admission.
 */
export function auditAnnotations(
  { uid }: Pick<AdmissionRequest, "uid">,
  { decision, reason, roles }: PatchedPlan,
): Readonly<Record<string, string>> {
  const perContainer = (value: (role: RoleDecision) => string) =>
    roles
      .map((role) => `${role.container}=${value(role)}`)
      .join(",")
      .slice(0, MAX_AUDIT_ANNOTATION_LENGTH);
  return {
    request: uid,
    decision,
    reason,
    ...(roles.length > 0 && {
      roles: perContainer((role) => role.role?.arn ?? shortText(role.asked) ?? ""),
      origins: perContainer(({ origin }) => origin),
    }),
  };
}

/** In characters: the size of an audit event is limited, and other webhooks annotate the same event. */
const MAX_AUDIT_ANNOTATION_LENGTH = 1_024;
const MAX_TEXT_LENGTH = 256;
const MAX_GROUPS = 32;
/**
 * Log collectors split lines above 16 KiB; a line with 32 roles gets that long only if the names are the longest
 * allowed.
 */
const MAX_ROLES = 32;

function cutGroups(groups: readonly string[]): readonly string[] {
  return groups.slice(0, MAX_GROUPS).map((group) => group.slice(0, MAX_TEXT_LENGTH));
}

/** Of a caller that proved nothing: the first groups that, whole, fit beside the user into MAX_TEXT_LENGTH. */
function groupsBeside(user = "", groups: readonly string[]): readonly string[] {
  let rest = MAX_TEXT_LENGTH - user.length;
  const end = groups.slice(0, MAX_GROUPS).findIndex((group) => {
    rest -= group.length;
    return rest < 0;
  });
  return groups.slice(0, end === -1 ? MAX_GROUPS : end);
}

/** How many elements of a list a record leaves out; undefined: none. */
function countBeyond(most: number, { length }: readonly unknown[]): number | undefined {
  return length > most ? length - most : undefined;
}

function rolePart({ container, asked, origin, outcome, role }: RoleDecision): AdmissionRole {
  return { container, asked: shortText(asked), resolved: role?.arn, origin, allowed: outcome === "allowed" };
}

function ownerFields(references: unknown): AdmissionLine["owner"] {
  const owner = controllerOf(Array.isArray(references) ? references.filter(isObject) : []);
  return owner && { kind: shortText(owner["kind"]), name: shortText(owner["name"]) };
}

function shortText(value: unknown): string | undefined {
  return typeof value === "string" ? value.slice(0, MAX_TEXT_LENGTH) : undefined;
}
