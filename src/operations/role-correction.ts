// The commands that give a pod the role that was probably meant, and those that permit the role that it names. The
// roles are those of annotations that the caller has read, never those of a message: whoever may create Events can
// forge one. Pure.
import { ANNOTATIONS, isRoleAnnotation } from "../policy/annotations.ts";
import { parseRoleArn, withoutSlash } from "../policy/role.ts";
import { quotePattern } from "../runtime/quote-pattern.ts";
import { createSuggester } from "../runtime/suggest.ts";
import { annotateNamespaceCommand, isQuotable, shellCommentText, shellQuote } from "./migrate/shell-commands.ts";
import { annotatePodsStep, type ConcernedObject, editStep } from "./next-steps.ts";

/** Where a pod's role is named, and what its namespace permits. */
export interface NamedRoles {
  /** What has the annotations: the workload that makes the pods, or the pod. */
  readonly object: ConcernedObject;
  /** The pod's annotations, or those of the pod template. */
  readonly annotations: Readonly<Record<string, string>>;
  /** Of the namespace; undefined if unknown. */
  readonly namespaceAnnotations?: Readonly<Record<string, string>> | undefined;
  /** What precedes short names of roles; undefined if unknown. */
  readonly baseArn?: string | undefined;
}

/** A role that the namespace does not permit, and the permitted one that is spelt almost the same. */
export interface MisspeltRole {
  readonly annotation: string;
  readonly named: string;
  readonly meant: string;
}

/** Returns the first misspelt role; undefined if none is like a permitted one. */
export function findMisspeltRole({ annotations, namespaceAnnotations = {} }: NamedRoles): MisspeltRole | undefined {
  const permitted = namesIn(namespaceAnnotations);
  const suggest = createSuggester(permitted);
  for (const [annotation, named] of Object.entries(annotations).filter(([name]) => isRoleAnnotation(name))) {
    const { prefix, name } = splitRole(named);
    const meant = permitted.includes(name) ? undefined : suggest(name);
    if (meant !== undefined) return { annotation, named, meant: `${prefix}${meant}` };
  }
  return undefined;
}

/** Returns the steps after a namespace did not permit a role: to correct it, or to permit it. */
export function correctionSteps(roles: NamedRoles): readonly string[] {
  const { object, annotations } = roles;
  const misspelt = findMisspeltRole(roles);
  const annotation = misspelt?.annotation ?? Object.keys(annotations).find(isRoleAnnotation) ?? ANNOTATIONS.role;
  return [
    misspelt === undefined
      ? editStep(object, `name a permitted role in ${shellCommentText(annotation)}`)
      : annotatePodsStep(object, annotation, {
          value: misspelt.meant,
          purpose: "names the role that was probably meant",
        }),
    permitStep(roles, misspelt?.named ?? annotations[annotation]),
  ];
}

/** Returns the ARN of a role that an annotation names; the name itself if what precedes it is unknown. */
export function resolvedRole(named: string, baseArn: string | undefined): string {
  return named.startsWith("arn:") || baseArn === undefined ? named : `${baseArn}${withoutSlash(named)}`;
}

/** Returns the command that permits the role as well. */
function permitStep({ object, namespaceAnnotations = {}, baseArn }: NamedRoles, named: string | undefined): string {
  const role = named === undefined ? undefined : resolvedRole(named, baseArn);
  const permitted = namespaceAnnotations[ANNOTATIONS.permitted];
  const purpose = `instead, only if ${named === undefined ? "the role" : shellCommentText(named)} is right: permits it`;
  if (
    role === undefined ||
    parseRoleArn(role) === undefined ||
    permitted === undefined ||
    !isQuotable(permitted) ||
    namespaceAnnotations[ANNOTATIONS.allowedRoles] !== undefined
  ) {
    return `kubectl edit namespace ${shellQuote(object.namespace)}  # ${purpose}, in ${ANNOTATIONS.permitted}`;
  }
  // What follows `\Q` without its `\E` would be a part of its text.
  const parts = permitted.includes("\\Q") ? [quotePattern(role), permitted] : [permitted, quotePattern(role)];
  const both = { [ANNOTATIONS.permitted]: parts.join("|") };
  return `${annotateNamespaceCommand(object.namespace, both)}  # ${purpose}`;
}

/** The names of roles that stand in full in what a namespace permits. */
function namesIn(annotations: Readonly<Record<string, string>>): readonly string[] {
  const texts = [annotations[ANNOTATIONS.permitted] ?? "", annotations[ANNOTATIONS.allowedRoles] ?? ""];
  const names = texts.flatMap((text) => Array.from(text.matchAll(/:role\/([\w+=,.@/-]+)/g), ([, name = ""]) => name));
  // Without an ARN, the whole expression, or each pattern of the array, is a name.
  const bare = texts.flatMap((text) =>
    Array.from(text.matchAll(/(?:^|[|"])([\w+=,@/-]+)(?=$|[|"])/g), ([, name = ""]) => name),
  );
  return [...new Set([...names, ...bare])];
}

function splitRole(named: string): { readonly prefix: string; readonly name: string } {
  const [, prefix = "", name = named] = /^(arn:[^/]*:role\/)(.+)$/.exec(named) ?? [];
  return { prefix, name };
}
