// The next command of an operator who has found out what is wrong with a pod: what explain, check and status print
// after a cause. Each step is a command that can be copied, with its purpose as a comment where the command alone does
// not say it. A comment has no text of the cluster that a shell could run: see shellCommentText(). Pure; nothing is
// decided from it.
import type { Pod } from "../kubernetes/objects.ts";
import { ERRORS, type ErrorCode, isErrorCode } from "../protocol/errors.ts";
import { createSuggester } from "../runtime/suggest.ts";
import { ownerOf } from "./migrate/input/owners.ts";
import { shellCommentText, shellQuote } from "./migrate/shell-commands.ts";
import { DISTRUST_STEPS, distrustOf, type PodTrust } from "./untrusted-server.ts";

/** The next commands in a result: the first one, and those after it in their order. */
export interface StepFields {
  /** With its purpose as a comment; absent if there is nothing to do, or if no command does it. */
  readonly next?: string;
  readonly furtherSteps?: readonly string[];
}

/** Returns the fields of a result for these commands. */
export function stepFields([next, ...furtherSteps]: readonly string[]): StepFields {
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
  /** True for an object of a file, which the cluster may not have. */
  readonly isManifest?: boolean | undefined;
}

/** What the steps after an error code are about. */
export interface ConcernedPod {
  readonly object: ConcernedObject;
  /** How to have the pod created again; undefined if there is no pod yet. */
  readonly restart?: string | undefined;
  /** True for a copy that `kubectl debug` made without the pod's labels and annotations. */
  readonly isCopy?: boolean | undefined;
  /** The pod's CAs beside the published ones; undefined if unknown. */
  readonly trust?: PodTrust | undefined;
  /** The error's message. A pod's author or an Event's may have written it: no principal or role is taken from it. */
  readonly message?: string | undefined;
  /** The same message as the server itself recorded it: that of STS names principal and role. */
  readonly serverMessage?: string | undefined;
}

/** Returns the steps after an error code; every code has at least one. */
export function stepsAfterCode(code: string, concerned: ConcernedPod): readonly string[] {
  const known = isErrorCode(code) ? CODE_STEPS[code] : undefined;
  if (code === "ROLE_MISSING" && concerned.isCopy) return copySteps(concerned.object);
  if (known !== undefined) return known(concerned);
  // Errors that a retry may cure are of podrole's programs, their network or AWS; the others are of the pod.
  const isOfPod = isErrorCode(code) && !ERRORS[code].retry;
  return [isOfPod ? editStep(concerned.object, "correct what the message names") : CHECK_STEP];
}

/**
 * As stepsAfterCode(), for podrole check itself: where that would be the next command, its other findings say what is
 * wrong with the installation, and the next command is about the pod.
 */
export function stepsWithinCheck(code: string | undefined, concerned: ConcernedPod): readonly string[] {
  const steps = code === undefined ? [CHECK_STEP] : stepsAfterCode(code, concerned);
  return steps.map((step) => (step === CHECK_STEP ? explainStep(concerned.object) : step));
}

/** Looks for the cause in the installation. */
export const CHECK_STEP = "podrole check --quiet";

const CODE_STEPS: { readonly [Code in ErrorCode]?: (concerned: ConcernedPod) => readonly string[] } = {
  ROLE_FORBIDDEN: ({ object, message = "" }) => {
    const meant = meantRole(message);
    return [
      editStep(object, "correct the role", meant && `did you mean ${shellCommentText(meant)}?`),
      `kubectl edit namespace ${shellQuote(object.namespace)}  # only if the role is right: permit it in iam.amazonaws.com/permitted`,
    ];
  },
  ROLE_MISSING: ({ object }) => [editStep(object, "add the annotation iam.amazonaws.com/role")],
  STS_DENIED: ({ serverMessage = "", message = serverMessage }) => {
    if (message.includes("itself lacks")) return ["podrole aws policy  # prints the policy that this principal needs"];
    const [, principal] = TRUSTED_PRINCIPAL.exec(serverMessage) ?? [];
    const [, role = "NAME"] = DENIED_ROLE.exec(serverMessage) ?? [];
    const roleName = shellQuote(role);
    return [
      principal === undefined
        ? "podrole aws trust --principal ARN  # ARN: the AWS identity of the server itself, which its log names, it prints the statement that the role needs"
        : `podrole aws trust --principal ${shellQuote(principal)}  # prints the statement that the role needs`,
      `aws iam get-role --role-name ${roleName} --query Role.AssumeRolePolicyDocument --output json > trust.json  # no such role if this fails, else add the statement to trust.json`,
      `aws iam update-assume-role-policy --role-name ${roleName} --policy-document file://trust.json`,
    ];
  },
  SERVER_UNTRUSTED: ({ restart, message = "", trust }) => DISTRUST_STEPS[distrustOf(message, trust)](restart),
};

/** Returns the permitted role that was probably meant, by a message of ROLE_FORBIDDEN; undefined if none is like it. */
export function meantRole(message: string): string | undefined {
  const [, role] = /^Cannot give role \S+?:role\/(\S+) to /.exec(message) ?? [];
  const [, permitted = ""] = / permits (.*)$/s.exec(message) ?? [];
  const names = Array.from(permitted.matchAll(/:role\/([\w+=,.@/-]+)"/g), ([, name = ""]) => name);
  return role === undefined ? undefined : createSuggester(names)(role);
}

/**
 * In the server's explanation of a denial, "must allow sts:AssumeRole to ARN, such as": the server's role or user. The
 * words behind it show that the record was not cut within the ARN.
 */
const TRUSTED_PRINCIPAL = /\bto (arn:aws[\w-]*:iam::\d{12}:(?:role|user)\/[\w+=,.@/-]*[\w+=@-]), such as /;
const DENIED_ROLE = /\bassume role arn:aws[\w-]*:iam::\d{12}:role\/(?:[^\s:]*\/)?([\w+=,.@-]+): /;

/** Returns the command that shows the whole state of an object. */
export function explainStep({ namespace, kind, name }: ConcernedObject): string {
  return `podrole explain ${shellQuote(`${kind}/${name}`)} -n ${shellQuote(namespace)}`;
}

/**
 * Returns the command that changes the pod's annotations, or those of the template that makes it. `hint` stands behind
 * the purpose and its place.
 */
export function editStep(
  { namespace, kind, name, isManifest }: ConcernedObject,
  purpose: string,
  hint?: string,
): string {
  const hinted = hint === undefined ? "" : `: ${hint}`;
  if (isManifest) return `podrole explain -f FILE  # first ${purpose} in the manifest${hinted}`;
  const place = kind === "pod" ? "" : " in the pod template";
  return `kubectl -n ${shellQuote(namespace)} edit ${shellQuote(`${kind}/${name}`)}  # ${purpose}${place}${hinted}`;
}

/** The name of a Deployment's ReplicaSet ends in the hash of its template (apimachinery, rand.SafeEncodeString). */
const REPLICA_SET_OF_DEPLOYMENT = /^(.+)-[bcdfghjklmnpqrstvwxz2456789]{5,10}$/;

/** Returns the Deployment of a ReplicaSet whose name is like that of one, and other objects as they are. */
export function likelyWorkload({ namespace, kind, name }: ConcernedObject): ConcernedObject {
  const [, deployment] = (kind === "replicaset" && REPLICA_SET_OF_DEPLOYMENT.exec(name)) || [];
  return deployment === undefined ? { namespace, kind, name } : { namespace, kind: "deployment", name: deployment };
}

/** Returns the commands after which the copy has the role of the pod that it is a copy of. */
function copySteps({ namespace, name }: ConcernedObject): readonly string[] {
  const inNamespace = `kubectl -n ${shellQuote(namespace)}`;
  // Without --keep-labels: with the labels, a Service sends requests to the copy, and a ReplicaSet may adopt it.
  return [
    `${inNamespace} delete pod ${shellQuote(name)}  # then copy the pod POD again with the next command`,
    `${inNamespace} debug POD -it --copy-to=${shellQuote(name)} --keep-annotations --image=busybox -- sh`,
  ];
}

/** Returns the command that gives an annotation of a pod another value. */
export function annotateStep(
  { metadata: { namespace = "", name = "" } }: Pick<Pod, "metadata">,
  { annotation, value, purpose }: { readonly annotation: string; readonly value: string; readonly purpose: string },
): string {
  return `kubectl -n ${shellQuote(namespace)} annotate pod ${shellQuote(name)} ${shellQuote(`${annotation}=${value}`)} --overwrite  # ${purpose}`;
}

/** Returns the command that labels a namespace, so that its new pods are injected. */
export function labelStep(namespace: string): string {
  return `kubectl label namespace ${shellQuote(namespace)} podrole.io/inject=enabled`;
}

/** Registers podrole's webhook. */
export const REGISTER_STEP =
  "kubectl apply -f manifests/base/webhook-configuration.yaml  # or helm upgrade with the chart of podrole";

/** Returns the command that shows why a Deployment has no ready replica. */
export function describeStep({ namespace, name }: { readonly namespace: string; readonly name: string }): string {
  return `kubectl -n ${shellQuote(namespace)} describe deployment ${shellQuote(name)}`;
}

/**
 * Returns the command after which the pod's controller creates it again, or its author has to; `purpose` begins the
 * comment.
 */
export function restartStep({ metadata }: Pick<Pod, "metadata">, purpose?: string): string {
  const { namespace = "", name = "", ownerReferences = [] } = metadata;
  // An owner that is no controller does not create the pod again.
  const controllers = ownerReferences.filter(({ controller }) => controller === true);
  const workload = ownerOf({ kind: "Pod", metadata: { ...metadata, ownerReferences: controllers } }, new Map());
  return restartWorkloadStep({ namespace, pod: name, workload: `${workload.kind}/${workload.name}` }, purpose);
}

/** As restartStep(), for a pod of `workload`, such as "Deployment/orders". */
export function restartWorkloadStep(
  { namespace, pod, workload }: { readonly namespace: string; readonly pod: string; readonly workload: string },
  purpose?: string,
): string {
  const [kind = "", name = ""] = workload.split("/");
  const inNamespace = `kubectl -n ${shellQuote(namespace)}`;
  if (RESTARTABLE_KINDS.has(kind)) {
    return `${inNamespace} rollout restart ${shellQuote(`${kind.toLowerCase()}/${name}`)}${commentOf(purpose)}`;
  }
  const after = kind === "Pod" ? "then apply its manifest again" : "its controller creates it again";
  return `${inNamespace} delete pod ${shellQuote(pod)}${commentOf(purpose, after)}`;
}

/** Kinds that `kubectl rollout restart` accepts. */
export const RESTARTABLE_KINDS: ReadonlySet<string> = new Set(["Deployment", "StatefulSet", "DaemonSet"]);

function commentOf(...parts: readonly (string | undefined)[]): string {
  const known = parts.filter((part) => part !== undefined);
  return known.length === 0 ? "" : `  # ${known.join(", ")}`;
}
