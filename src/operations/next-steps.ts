// The next command of an operator who has found out what is wrong with a pod: what explain, check and status print
// after a cause. Each step is a command that can be copied, with its purpose as a comment where the command alone does
// not say it; text output prints the purpose apart. A comment has no text of the cluster that a shell could run: see
// shellCommentText(). Pure; nothing is decided from it.
import type { Pod } from "../kubernetes/objects.ts";
import { ownerOf } from "./migrate/input/owners.ts";
import {
  isQuotable,
  objectArgument,
  shellCommentText,
  shellQuote,
  UNQUOTABLE_VALUE,
} from "./migrate/shell-commands.ts";
import { PURPOSE_MARK } from "./step-parts.ts";

/** The next commands in a result: the first one, and those after it in their order. */
export interface StepFields {
  /** With its purpose as a comment; absent if there is nothing to do, or if no command does it. */
  readonly next?: string;
  readonly furtherSteps?: readonly string[];
}

/** Returns the fields of a result for these commands, without one that is more than a line. */
export function stepFields(steps: readonly string[]): StepFields {
  const [next, ...furtherSteps] = steps.filter(isQuotable);
  return { ...(next !== undefined && { next }), ...(furtherSteps.length > 0 && { furtherSteps }) };
}

/** Returns the commands of a result in their order. */
export function stepsIn({ next, furtherSteps = [] }: StepFields): readonly string[] {
  return next === undefined ? [] : [next, ...furtherSteps];
}

/** The object that makes the pods, or the pod itself, as kubectl names it. */
export interface ConcernedObject {
  readonly namespace: string;
  /** "pod", "deployment", "replicaset". */
  readonly kind: string;
  readonly name: string;
  /** The file of an object that the cluster may not have. */
  readonly file?: string | undefined;
}

/** Returns the command that shows the whole state of an object. */
export function explainStep({ namespace, kind, name }: ConcernedObject): string {
  return `podrole explain ${objectArgument(kind, name)} -n ${shellQuote(namespace)}`;
}

/** Returns how one sees that an object has what it needs. */
export function proofOf(object: ConcernedObject): string {
  const { namespace, kind, name, file } = object;
  if (file !== undefined) return `podrole explain -f ${shellQuote(file)} ends with exit code 0`;
  if (kind === "pod") return `${explainStep(object)} shows no cause and ends with exit code 0`;
  const place = `-n ${shellQuote(namespace)}`;
  const status = `podrole status ${place} shows its pods as ready`;
  return isRolledOut(object)
    ? `kubectl ${place} rollout status ${objectArgument(kind, name)} ends with successfully rolled out, and ${status}, and no workload that cannot create its pods`
    : status;
}

/**
 * Returns the command that changes the pod's annotations, or those of the template that makes it. `hint` stands behind
 * the purpose and its place.
 */
export function editStep({ namespace, kind, name, file }: ConcernedObject, purpose: string, hint?: string): string {
  const hinted = hint === undefined ? "" : `: ${hint}`;
  if (file !== undefined) return `podrole explain -f ${shellQuote(file)}  # first ${purpose} in the manifest${hinted}`;
  const place = kind === "pod" ? "" : " in the pod template";
  return `kubectl -n ${shellQuote(namespace)} edit ${objectArgument(kind, name)}  # ${purpose}${place}${hinted}`;
}

/** The name of a Deployment's ReplicaSet ends in the hash of its template (apimachinery, rand.SafeEncodeString). */
const REPLICA_SET_OF_DEPLOYMENT = /^(.+)-[bcdfghjklmnpqrstvwxz2456789]{5,10}$/;

/** Returns the Deployment of a ReplicaSet whose name is like that of one, and other objects as they are. */
export function likelyWorkload({ namespace, kind, name }: ConcernedObject): ConcernedObject {
  const [, deployment] = (kind === "replicaset" && REPLICA_SET_OF_DEPLOYMENT.exec(name)) || [];
  return deployment === undefined ? { namespace, kind, name } : { namespace, kind: "deployment", name: deployment };
}

/**
 * Returns the command that gives an annotation of the pods that an object makes, or of the pod itself, this value; the
 * one that edits the object if the value cannot be quoted.
 */
export function annotatePodsStep(
  object: ConcernedObject,
  annotation: string,
  { value, purpose }: { readonly value: string; readonly purpose?: string },
): string {
  const { namespace, kind, name, file } = object;
  const named = shellCommentText(annotation);
  const setting = `${named}: ${shellCommentText(value)}`;
  if (file !== undefined)
    return `podrole explain -f ${shellQuote(file)}${commentOf(purpose, `first set ${setting} in it`)}`;
  const inNamespace = `kubectl -n ${shellQuote(namespace)}`;
  // The template of a Job cannot be changed.
  if (kind === "job") {
    return `${inNamespace} delete ${objectArgument(kind, name)}${commentOf(purpose, `then apply its manifest with ${setting}`)}`;
  }
  if (!isQuotable(`${annotation}${value}`)) {
    const change = `change ${named}`;
    return editStep(object, purpose === undefined ? change : `${purpose}, ${change}`, UNQUOTABLE_VALUE);
  }
  if (kind === "pod") {
    const pair = shellQuote(`${annotation}=${value}`);
    return `${inNamespace} annotate ${objectArgument(kind, name)} ${pair} --overwrite${commentOf(purpose)}`;
  }
  const template = { template: { metadata: { annotations: { [annotation]: value } } } };
  const spec = kind === "cronjob" ? { jobTemplate: { spec: template } } : template;
  const patch = shellQuote(JSON.stringify({ spec }));
  return `${inNamespace} patch ${objectArgument(kind, name)} --type merge -p ${patch}${commentOf(purpose)}`;
}

/** Returns the command that labels a namespace, so that its new pods are injected. */
export function labelStep(namespace: string): string {
  return `kubectl label namespace ${shellQuote(namespace)} podrole.io/inject=enabled  # new pods of the namespace that name a role then get podrole, and running ones stay as they are; podrole.io/inject- takes the label away again`;
}

/** Returns the commands after which the pod is created again; `purpose` begins the comment of the one that does it. */
export function restartSteps(pod: Pick<Pod, "metadata">, purpose?: string): readonly string[] {
  const { namespace = "", name = "" } = pod.metadata;
  return restartWorkloadSteps({ namespace, pod: name, workload: creatorOf(pod) }, purpose);
}

/** Returns what creates the pod again, such as "Deployment/orders"; the pod itself if nothing does. */
export function creatorOf({ metadata }: Pick<Pod, "metadata">): string {
  // An owner that is no controller does not create the pod again.
  const controllers = (metadata.ownerReferences ?? []).filter(({ controller }) => controller === true);
  const { kind, name } = ownerOf({ kind: "Pod", metadata: { ...metadata, ownerReferences: controllers } }, new Map());
  return `${kind}/${name}`;
}

/** Returns the object whose template has the annotations of a pod that `creator` creates again. */
export function templateObject(
  { namespace, name }: { readonly namespace: string; readonly name: string },
  creator: string,
): ConcernedObject {
  const [kind = "", owner = ""] = creator.split("/");
  return PATCHABLE_KINDS.has(kind)
    ? { namespace, kind: kind.toLowerCase(), name: owner }
    : { namespace, kind: "pod", name };
}

/** Kinds whose pod template has annotations that kubectl can change. */
const PATCHABLE_KINDS: ReadonlySet<string> = new Set([
  "Deployment",
  "StatefulSet",
  "DaemonSet",
  "ReplicaSet",
  "Job",
  "CronJob",
]);

/** As restartSteps(), for a pod of `workload`, such as "Deployment/orders". */
export function restartWorkloadSteps(
  { namespace, pod, workload }: { readonly namespace: string; readonly pod: string; readonly workload: string },
  purpose?: string,
): readonly string[] {
  const [kind = "", name = ""] = workload.split("/");
  const inNamespace = `kubectl -n ${shellQuote(namespace)}`;
  if (RESTARTABLE_KINDS.has(kind)) {
    const target = objectArgument(kind, name);
    return [
      `${inNamespace} rollout restart ${target}${commentOf(purpose, "replaces all of its pods, a few at a time")}`,
    ];
  }
  if (kind === "Pod") {
    const file = savedFile({ namespace, name: pod });
    return [
      `${inNamespace} get ${objectArgument("pod", pod)} -o yaml > ${file}${commentOf(purpose, SAVES)}`,
      `${inNamespace} replace --force -f ${file}${commentOf(purpose, RECREATES)}`,
    ];
  }
  return [
    `${inNamespace} delete ${objectArgument("pod", pod)}${commentOf(purpose, "ends the pod, and its controller creates it again")}`,
  ];
}

/** With its namespace, because a pod of another one may have the same name. */
function savedFile({ namespace, name }: Pick<ConcernedObject, "namespace" | "name">): string {
  return shellQuote(`${namespace}.${name}.yaml`);
}

/** Nothing else creates such a pod again: the file is all that is left of it if the creation fails. */
const SAVES = "saves the pod as it is";
const RECREATES =
  "deletes the pod, which interrupts it, and creates it anew: podrole then replaces its own containers, the CAs and podrole.io/resolved in it, and spec.nodeName keeps it on its node: if the API server refuses the new one, correct what its error names and run this again, because the file has the pod";

/** Returns the command that creates a pod again from the file that restartSteps() saved, with another annotation. */
export function createAsBeforeStep(
  { namespace, name }: Pick<ConcernedObject, "namespace" | "name">,
  { annotation, value, purpose }: { readonly annotation: string; readonly value: string; readonly purpose: string },
): string {
  const annotate = `kubectl annotate --local -f ${savedFile({ namespace, name })} ${shellQuote(`${annotation}=${value}`)}`;
  return `${annotate} --overwrite -o yaml | kubectl -n ${shellQuote(namespace)} replace --force -f -${commentOf(purpose)}`;
}

/** Kinds that `kubectl rollout restart` accepts. */
export const RESTARTABLE_KINDS: ReadonlySet<string> = new Set(["Deployment", "StatefulSet", "DaemonSet"]);
const RESTARTABLE_ARGUMENTS: ReadonlySet<string> = new Set([...RESTARTABLE_KINDS].map((kind) => kind.toLowerCase()));

/** Whether `kubectl rollout` knows the object; a pod is created again in another way. */
export function isRolledOut({ kind }: Pick<ConcernedObject, "kind">): boolean {
  return RESTARTABLE_ARGUMENTS.has(kind);
}

function commentOf(...parts: readonly (string | undefined)[]): string {
  const known = parts.filter((part) => part !== undefined);
  return known.length === 0 ? "" : `${PURPOSE_MARK}${known.join(", ")}`;
}

/**
 * Returns the command that prints the commands of all pods in a state: `filter` selects rows of podrole status in jq's
 * language. Without a namespace: of all namespaces.
 */
export function commandsForAllStep(filter: string, namespace?: string): string {
  const place = namespace === undefined ? "-A" : `-n ${shellQuote(namespace)}`;
  // A command with a condition, such as the way back, is for a pod at which somebody looks.
  const unconditional = '(.next, .furtherSteps[]?) | strings | select(contains("# only ") | not)';
  const program = `[.pods[] | select(${filter}) | [${unconditional}]] | unique[][]`;
  return `podrole status ${place} -o json | jq -r ${shellQuote(program)}${commentOf("prints the commands for every pod in this state with the program jq, to be read before they are run")}`;
}
