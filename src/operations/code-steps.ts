// The next commands after an error code. Pure; nothing is decided from them.
import { ANNOTATIONS, isRoleAnnotation } from "../policy/annotations.ts";
import { ERRORS, type ErrorCode, isErrorCode } from "../protocol/errors.ts";
import type { InstallationFacts } from "./installation-facts.ts";
import { objectArgument, shellQuote } from "./migrate/shell-commands.ts";
import { annotatePodsStep, type ConcernedObject, editStep } from "./next-steps.ts";
import { correctionSteps, type NamedRoles } from "./role-correction.ts";
import { DISTRUST_STEPS, distrustOf, type PodTrust } from "./untrusted-server.ts";

/** The pod of which another one is a copy. */
export interface CopiedPod {
  readonly name: string;
  /** Image of the container that was added to the copy; undefined if none was. */
  readonly debugImage?: string;
}

/** What is known about a pod with an error code. */
export interface ConcernedPod {
  readonly object: ConcernedObject;
  /** How to have the pod created again; undefined if there is no pod yet. */
  readonly restart?: readonly string[] | undefined;
  /** Where its role is named; undefined if unknown. */
  readonly roles?: NamedRoles | undefined;
  /** True for a copy that `kubectl debug` made without the pod's labels and annotations. */
  readonly isCopy?: boolean | undefined;
  /** What it is a copy of; undefined if that pod is not found. */
  readonly original?: CopiedPod | undefined;
  /** The pod's CAs beside the published ones; undefined if unknown. */
  readonly trust?: PodTrust | undefined;
  /** The error's message. A pod's author or an Event's may have written it: no principal or role is taken from it. */
  readonly message?: string | undefined;
  /** The same message as the server itself recorded it: that of STS names principal and role. */
  readonly serverMessage?: string | undefined;
  readonly installation?: InstallationFacts | undefined;
}

/** Returns the steps after an error code; every code has at least one. */
export function stepsAfterCode(code: string, concerned: ConcernedPod): readonly string[] {
  const known = isErrorCode(code) ? CODE_STEPS[code] : undefined;
  if (known !== undefined) return known(concerned);
  // Errors that a retry may cure are of podrole's programs, their network or AWS; the others are of the pod.
  const isOfPod = isErrorCode(code) && !ERRORS[code].retry;
  return [isOfPod ? editStep(editedObject(concerned), "correct what the message names") : CHECK_STEP];
}

/** Looks for the cause in the installation. */
export const CHECK_STEP = "podrole check --quiet";

const editedObject = ({ roles, object }: ConcernedPod): ConcernedObject => roles?.object ?? object;

const CODE_STEPS: { readonly [Code in ErrorCode]?: (concerned: ConcernedPod) => readonly string[] } = {
  ROLE_FORBIDDEN: ({ object, roles = { object, annotations: {} } }) => correctionSteps(roles),
  ROLE_MISSING: (concerned) => (concerned.isCopy ? copySteps(concerned) : nameRoleSteps(editedObject(concerned))),
  STS_DENIED: denialSteps,
  SERVER_UNTRUSTED: ({ restart, message = "", trust }) => DISTRUST_STEPS[distrustOf(message, trust)](restart ?? []),
};

function nameRoleSteps(object: ConcernedObject): readonly string[] {
  return [annotatePodsStep(object, ANNOTATIONS.role, { value: "ROLE", purpose: "ROLE: the name or ARN of its role" })];
}

/**
 * In the server's explanation of a denial, "must allow sts:AssumeRole to ARN, such as": the server's role or user. The
 * words behind it show that the record was not cut within the ARN.
 */
const TRUSTED_PRINCIPAL = /\bto (arn:aws[\w-]*:iam::\d{12}:(?:role|user)\/[\w+=,.@/-]*[\w+=@-]), such as /;
const LACKING_PRINCIPAL = /\((arn:aws[\w-]*:iam::\d{12}:(?:role|user)\/[\w+=,.@/-]*[\w+=@-]) itself lacks /;
const DENIED_ROLE = /\bassume role arn:aws[\w-]*:iam::(\d{12}):role\/(?:[^\s:]*\/)?([\w+=,.@-]+): /;

/** A call that STS denied, as far as the server's own record names its parts. */
export interface DenialParts {
  /** ARN of the server's role or user. */
  readonly principal?: string;
  /** Name of the role, and the account that it is in. */
  readonly role?: string;
  readonly account?: string;
}

/** Reads the server's own record of a denial. */
export function deniedCall(serverMessage: string): DenialParts {
  const [, principal] = TRUSTED_PRINCIPAL.exec(serverMessage) ?? LACKING_PRINCIPAL.exec(serverMessage) ?? [];
  const [, account, role] = DENIED_ROLE.exec(serverMessage) ?? [];
  return {
    ...(principal !== undefined && { principal }),
    ...(role !== undefined && account !== undefined && { role, account }),
  };
}

function denialSteps({ serverMessage = "", message = serverMessage, installation = {} }: ConcernedPod) {
  if (message.includes("itself lacks")) return ownPolicySteps(serverMessage);
  const { principal = "ARN", role = "NAME", account } = deniedCall(serverMessage);
  const roleName = shellQuote(role);
  const place = account === undefined ? "in the account of the role" : `in account ${account}`;
  const actions = installation.hasSessionTags ? ["sts:AssumeRole", "sts:TagSession"] : "sts:AssumeRole";
  const statement = JSON.stringify({ Effect: "Allow", Principal: { AWS: principal }, Action: actions });
  const purpose =
    principal === "ARN"
      ? "adds the statement, where ARN is the AWS principal of the server, which its log names"
      : "adds the statement to a copy";
  return [
    `aws iam get-role --role-name ${roleName} --query Role.AssumeRolePolicyDocument --output json > trust.json  # ${place}, saves the trust policy: if there is no such role, correct its name in the pod instead`,
    // The one statement of a policy need not be in a list.
    `jq ${shellQuote(`.Statement |= ([.] | flatten) + [${statement}]`)} trust.json > new-trust.json  # ${purpose}`,
    `aws iam update-assume-role-policy --role-name ${roleName} --policy-document file://new-trust.json  # ${place}, replaces the trust policy by the copy: look at it first`,
  ];
}

function ownPolicySteps(serverMessage: string): readonly string[] {
  const { principal } = deniedCall(serverMessage);
  const print = "podrole aws policy -o json | jq '.policies[0].document' > policy.json";
  if (principal === undefined) return [`${print}  # saves the policy that the principal of the server needs`];
  const [kind = "role"] = /(?:role|user)(?=\/)/.exec(principal) ?? [];
  const name = shellQuote(principal.slice(principal.lastIndexOf("/") + 1));
  const [, account] = /:(\d{12}):/.exec(principal) ?? [];
  return [
    `${print}  # saves the policy that the server needs`,
    `aws iam put-${kind}-policy --${kind}-name ${name} --policy-name podrole --policy-document file://policy.json  # in account ${account}, adds an inline policy, or replaces the one named podrole`,
  ];
}

/** Returns the commands after which the copy has the role of the pod that it is a copy of. */
function copySteps({ object: { namespace, name }, original }: ConcernedPod): readonly string[] {
  const inNamespace = `kubectl -n ${shellQuote(namespace)}`;
  const { name: from = "POD", debugImage = "busybox" } = original ?? {};
  const lost =
    original === undefined
      ? "  # POD: the pod to copy, because the one that was copied is not found"
      : "  # copies it again";
  // Without --keep-labels: with the labels, a Service sends requests to the copy, and a ReplicaSet may adopt it.
  return [
    `${inNamespace} delete ${objectArgument("pod", name)}  # deletes the copy, and what was done in it`,
    `${inNamespace} debug ${objectArgument("pod", from)} -it --copy-to=${shellQuote(name)} --keep-annotations --image=${shellQuote(debugImage)} -- sh${lost}`,
  ];
}

/** Returns where the roles of a pod or of a pod template are named. */
export function rolesNamedBy(
  object: ConcernedObject,
  annotations: Readonly<Record<string, string>> = {},
  place: Pick<NamedRoles, "namespaceAnnotations" | "baseArn"> = {},
): NamedRoles {
  const named = Object.entries(annotations).filter(([name]) => isRoleAnnotation(name));
  return { object, annotations: Object.fromEntries(named), ...place };
}
