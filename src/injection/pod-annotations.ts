// What the pod itself requests in podrole's annotations. An invalid value is refused; a name that podrole does not read
// gets a warning, because a misspelt annotation otherwise shows up weeks later as a missing role.
import type { ObjectMeta, Pod } from "../kubernetes/objects.ts";
import {
  ANNOTATIONS,
  FOREIGN_TO_PODS,
  isRoleAnnotation,
  LABELS,
  OWN_PREFIX,
  POD_ANNOTATIONS,
  quoted,
  RESOLVED_ANNOTATION,
  valueOf,
} from "../policy/annotations.ts";
import { type Refusal, refuse } from "../protocol/errors.ts";
import { createSuggester, type Suggest } from "../runtime/suggest.ts";
import { type Warning, warningOf } from "./warnings.ts";

/** Annotations of fixed values. */
const ACCEPTED_VALUES: Readonly<Record<string, readonly string[]>> = {
  [ANNOTATIONS.inject]: ["enabled", "disabled"],
  [ANNOTATIONS.mode]: ["native", "classic"],
  [ANNOTATIONS.metadata]: ["enabled", "enabled-v1", "disabled"],
};

/** Returns ANNOTATION_INVALID for an annotation of fixed values that has another one. */
export function refuseSwitches({ metadata: { annotations } }: Pod): Refusal | undefined {
  for (const [name, accepted] of Object.entries(ACCEPTED_VALUES)) {
    const value = annotations?.[name];
    if (value === undefined || accepted.includes(value)) continue;
    const expected = accepted.map((each) => `"${each}"`).join(" or ");
    return refuse("ANNOTATION_INVALID", `Cannot use ${name}: it is ${quoted(value)}; expected ${expected}`);
  }
  return undefined;
}

/**
 * Returns the instance metadata paths that the pod requests: none, with a session token (IMDSv2), or also without one.
 */
export function requestedMetadata(annotations: Readonly<Record<string, string>> = {}): "off" | "v2" | "v1" {
  const value = valueOf(annotations, ANNOTATIONS.metadata);
  return value === "enabled" ? "v2" : value === "enabled-v1" ? "v1" : "off";
}

/** True when the pod itself names a role, for all its containers or for one. */
export function hasRoleAnnotation({ metadata: { annotations } }: Pod): boolean {
  return Object.keys(annotations ?? {}).some(isRoleAnnotation);
}

/** Annotations of pods with one name; the role of one container has a name of its own for each. */
const NAMED_ONCE = POD_ANNOTATIONS.filter((name) => name !== ANNOTATIONS.roleOfContainer);

/** Annotations of one pod that warnAboutNames() reads: comparing 10 000 names with podrole's takes 0.2 s. */
const MAX_NAMES_COMPARED = 500;

/** Warns about annotations and labels in podrole's domains that have no effect on a pod. */
export function warnAboutNames({ metadata }: Pod): readonly Warning[] {
  const suggest = createSuggester(NAMED_ONCE);
  const names = Object.keys(metadata.annotations ?? {}).slice(0, MAX_NAMES_COMPARED);
  const annotations = names.flatMap((name) => warnAboutAnnotation(name, suggest));
  return [...annotations, ...warnAboutLabels(metadata)];
}

function warnAboutAnnotation(name: string, suggest: Suggest): readonly Warning[] {
  if (NAMED_ONCE.includes(name) || isRoleAnnotation(name) || name === RESOLVED_ANNOTATION) return [];
  if (FOREIGN_TO_PODS.includes(name)) return [warningOf("ANNOTATION_MISPLACED", name)];
  const nearest = suggest(name);
  // Other programs read iam.amazonaws.com/ too, so there only a near miss of a known name gets a warning.
  if (name.startsWith(OWN_PREFIX) || nearest !== undefined) return [warningOf("ANNOTATION_UNKNOWN", name, nearest)];
  return [];
}

function warnAboutLabels({ labels }: ObjectMeta): readonly Warning[] {
  return Object.keys(labels ?? {})
    .filter((name) => name.startsWith(OWN_PREFIX) && name !== LABELS.injected && name !== LABELS.skipped)
    .map((name) => warningOf("LABEL_IGNORED", name));
}
