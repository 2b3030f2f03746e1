// The pod's own wishes in podrole's annotations: values that cannot be used are refused, names that nobody reads are
// warned about, because a misspelt annotation otherwise shows as a missing role weeks later.
import type { ObjectMeta, Pod } from "../kubernetes/objects.ts";
import { ANNOTATIONS, LABELS, quoted, valueOf } from "../policy/annotations.ts";
import type { Refusal } from "../protocol/errors.ts";
import { createSuggester, type Suggest } from "../runtime/suggest.ts";
import { type Warning, warningOf } from "./warnings.ts";

const ACCEPTED: Readonly<Record<string, readonly string[]>> = {
  [ANNOTATIONS.inject]: ["enabled", "disabled"],
  [ANNOTATIONS.mode]: ["native", "classic"],
  [ANNOTATIONS.metadata]: ["enabled", "enabled-v1", "disabled"],
};

/** ANNOTATION_INVALID for a switch with a position that it does not have. */
export function refuseSwitches({ metadata: { annotations } }: Pod): Refusal | undefined {
  for (const [name, accepted] of Object.entries(ACCEPTED)) {
    const value = annotations?.[name];
    if (value === undefined || accepted.includes(value)) continue;
    const wanted = accepted.map((position) => `"${position}"`).join(" or ");
    return { code: "ANNOTATION_INVALID", message: `Cannot use ${name}: it is ${quoted(value)}, wanted ${wanted}` };
  }
  return undefined;
}

/** Which instance metadata paths the pod asks for: none, those that want a token (IMDSv2), or without one too. */
export function metadataWish(annotations: Readonly<Record<string, string>> = {}): "off" | "v2" | "v1" {
  const value = valueOf(annotations, ANNOTATIONS.metadata);
  return value === "enabled" ? "v2" : value === "enabled-v1" ? "v1" : "off";
}

/** True when the pod itself, not its surroundings, names a role. */
export function namesRole({ metadata: { annotations } }: Pod): boolean {
  return Object.keys(annotations ?? {}).some(isRoleAnnotation);
}

const OF_NAMESPACES = new Set<string>([ANNOTATIONS.permitted, ANNOTATIONS.allowedRoles, ANNOTATIONS.defaultRole]);
const OF_PODS: readonly string[] = Object.values(ANNOTATIONS).filter(
  (name) => !OF_NAMESPACES.has(name) && name !== ANNOTATIONS.roleOfContainer,
);

/** Warnings about annotations and labels that have no effect where they stand. */
export function warnAboutNames({ metadata }: Pod): readonly Warning[] {
  const suggest = createSuggester(OF_PODS);
  const annotations = Object.keys(metadata.annotations ?? {}).flatMap((name) => warnAboutAnnotation(name, suggest));
  return [...annotations, ...warnAboutLabels(metadata)];
}

function warnAboutAnnotation(name: string, suggest: Suggest): readonly Warning[] {
  if (OF_PODS.includes(name) || isRoleAnnotation(name)) return [];
  if (OF_NAMESPACES.has(name)) return [warningOf("ANNOTATION_MISPLACED", name)];
  const nearest = suggest(name);
  // iam.amazonaws.com/ has other readers too: there only a near miss is worth a word.
  if (name.startsWith("podrole.io/") || nearest !== undefined) return [warningOf("ANNOTATION_UNKNOWN", name, nearest)];
  return [];
}

function warnAboutLabels({ labels }: ObjectMeta): readonly Warning[] {
  return Object.keys(labels ?? {})
    .filter((name) => name.startsWith("podrole.io/") && name !== LABELS.injected)
    .map((name) => warningOf("LABEL_IGNORED", name));
}

function isRoleAnnotation(name: string): boolean {
  return name === ANNOTATIONS.role || name.startsWith(ANNOTATIONS.roleOfContainer);
}
