// What to do about an AssumeRole that STS has denied: what to correct if its message names the policy, else one command
// for each thing that may be wrong, in the order in which they are found out. Principal and role come from the
// server's own record: a pod's author, or whoever may create Events, can forge any other message. Pure.
import { ANNOTATIONS } from "../policy/annotations.ts";
import { withoutSlash } from "../policy/role.ts";
import type { ConcernedPod } from "./code-steps.ts";
import { shellCommentText, shellQuote } from "./migrate/shell-commands.ts";
import { annotatePodsStep } from "./next-steps.ts";
import { findMisspeltRole } from "./role-correction.ts";

/**
 * The principal in the server's explanation of a denial. The words behind it show that the record was not cut within
 * the ARN.
 */
const TRUSTED_PRINCIPAL = /\b(?:to|for) (arn:aws[\w-]*:iam::\d{12}:(?:role|user)\/[\w+=,.@/-]*[\w+=@-]), such as /;
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

/**
 * "own": the server's own policy lacks the action. "trust": the role's trust policy does. "both": either of them.
 * "other": a Deny, or a policy of another kind. "unnamed": STS names no policy, nor whether the role exists.
 */
type Denial = "own" | "trust" | "both" | "other" | "unnamed";

function denialOf(message: string): Denial {
  if (message.includes(" itself lacks ")) return "own";
  if (/\b(?:has a Deny that matches|a Deny matches|nothing allows it|across partitions|root user)\b/.test(message)) {
    return "other";
  }
  if (/session tags are on:|source identity is on:/.test(message)) return "both";
  return message.includes("no role trust policy allows") ? "trust" : "unnamed";
}

/** Returns what an operator does; undefined if only the remedy of the code applies. */
export function denialRemedy({
  message = "",
  serverMessage = "",
  installation: { hasSessionTags, emulatedSts } = {},
}: Partial<ConcernedPod>): string | undefined {
  const { principal = "the server's principal", role = "the role" } = deniedCall(serverMessage);
  const actions = hasSessionTags ? "sts:AssumeRole and sts:TagSession (session tags are on)" : "sts:AssumeRole";
  const emulator = emulatedSts === undefined ? "" : ` ${EMULATOR_REMEDY}`;
  switch (denialOf(message)) {
    case "own":
      return `In the policies of ${principal}, allow ${actions} on ${role}.${emulator}`;
    case "trust":
      return `Allow ${actions} to ${principal} in the trust policy of ${role}.${emulator}`;
    case "both":
      return `Allow ${actions} to ${principal} in the trust policy of ${role}, and on ${role} in the policies of ${principal}.${emulator}`;
    case "unnamed":
      return `Find out in this order what is wrong, and correct that alone: the role's name, if ${role} does not exist; its trust policy, if that does not allow ${actions} to ${principal}; the external id, if that policy has a condition on sts:ExternalId; else the policies of ${principal}.${emulator}`;
    case "other":
      return undefined;
  }
}

const EMULATOR_REMEDY =
  "STS is emulated, so correct it there, not in AWS: set AWS_ENDPOINT_URL to an address at which you reach the emulator before you run commands of aws.";

/** Returns what the cause says besides the message; empty if the server calls STS of AWS. */
export function emulatorText({ emulatedSts }: NonNullable<ConcernedPod["installation"]> = {}): string {
  return emulatedSts === undefined ? "" : ` (STS is emulated: the server calls ${emulatedSts}, not AWS)`;
}

/** Returns the commands. */
export function denialSteps(concerned: ConcernedPod): readonly string[] {
  const { serverMessage = "", message = serverMessage } = concerned;
  const call = deniedCall(serverMessage);
  switch (denialOf(message)) {
    case "own":
      return ownPolicySteps(call);
    case "trust":
      return trustSteps(call, concerned);
    case "both":
      return [...trustSteps(call, concerned), ...ownPolicySteps(call)];
    case "unnamed":
      return unnamedSteps(call, concerned);
    case "other":
      return [
        `aws iam get-role --role-name ${quotedRole(call)}  # ${roleAccount(call)}, shows the role and its policy`,
      ];
  }
}

const ROLE_COMMAND = "aws iam get-role --role-name";

function quotedRole({ role = "NAME" }: DenialParts): string {
  return shellQuote(role);
}

function roleAccount({ account }: DenialParts): string {
  return account === undefined ? "in the account of the role" : `in account ${account}`;
}

function readTrustStep(call: DenialParts, purpose: string): string {
  return `${ROLE_COMMAND} ${quotedRole(call)} --query Role.AssumeRolePolicyDocument --output json > trust.json  # ${roleAccount(call)}, ${purpose}`;
}

function trustSteps(call: DenialParts, concerned: ConcernedPod): readonly string[] {
  return [readTrustStep(call, "saves the trust policy"), ...addTrustSteps(call, concerned)];
}

/** `condition` begins each purpose. */
function addTrustSteps(
  call: DenialParts,
  { installation = {} }: ConcernedPod,
  condition = "",
): readonly [add: string, replace: string] {
  const { principal = "ARN" } = call;
  const actions = installation.hasSessionTags ? ["sts:AssumeRole", "sts:TagSession"] : "sts:AssumeRole";
  const statement = JSON.stringify({ Effect: "Allow", Principal: { AWS: principal }, Action: actions });
  const named =
    principal === "ARN"
      ? "adds the statement, where ARN is the AWS principal of the server, which its log names"
      : "adds the statement to a copy";
  return [
    // The one statement of a policy need not be in a list.
    `jq ${shellQuote(`.Statement |= ([.] | flatten) + [${statement}]`)} trust.json > new-trust.json  # ${condition}${named}`,
    `aws iam update-assume-role-policy --role-name ${quotedRole(call)} --policy-document file://new-trust.json  # ${condition}${roleAccount(call)}, replaces the trust policy by the copy: look at it first`,
  ];
}

function unnamedSteps(call: DenialParts, concerned: ConcernedPod): readonly string[] {
  const { object, roles } = concerned;
  const idStep = annotatePodsStep(roles?.object ?? object, ANNOTATIONS.externalId, {
    value: "ID",
    purpose: "only if a printed statement has a condition on sts:ExternalId, names its value, ID",
  });
  return [
    readTrustStep(call, "finds out whether the role exists, and saves its trust policy"),
    nameStep(call, concerned),
    `jq ${shellQuote(trustingStatements(call))} trust.json  # only if the role exists, prints the statements for the server`,
    ...addTrustSteps(call, concerned, "only if none is printed, "),
    idStep,
    ...ownPolicySteps(call, "only if a printed statement allows it without a condition, "),
  ];
}

/** The statements of a trust policy that name the principal, its account or everyone, in jq's language. */
function trustingStatements({ principal = "ARN" }: DenialParts): string {
  const [, partition = "aws", account = "ACCOUNT"] = /^arn:([\w-]+):iam::(\d{12}):/.exec(principal) ?? [];
  const names = [principal, `arn:${partition}:iam::${account}:root`, account, "*"].map((name) => JSON.stringify(name));
  return `[.Statement] | flatten[] | select([.Principal | .AWS? // .] | flatten | any(IN(${names.join(",")})))`;
}

/** Names another role: the one that the namespace permits and that is spelt almost the same, if there is one. */
function nameStep({ role }: DenialParts, { object, roles }: ConcernedPod): string {
  const condition = "only if that ends with NoSuchEntity, ";
  const misspelt = roles && findMisspeltRole(roles);
  if (roles && misspelt) {
    return annotatePodsStep(roles.object, misspelt.annotation, {
      value: misspelt.meant,
      purpose: `${condition}names ${shellCommentText(misspelt.meant)}, which the namespace permits`,
    });
  }
  const named = Object.entries(roles?.annotations ?? {});
  const isDenied = ([, name]: readonly [string, string]) => role !== undefined && isRoleName(name, role);
  const [annotation = ANNOTATIONS.role] = named.find(isDenied) ?? named[0] ?? [];
  return annotatePodsStep(roles?.object ?? object, annotation, {
    value: "ROLE",
    purpose: `${condition}corrects the name, ROLE`,
  });
}

function isRoleName(named: string, role: string): boolean {
  return withoutSlash(named).split("/").at(-1) === role;
}

function ownPolicySteps({ principal }: DenialParts, condition = ""): readonly string[] {
  const print = "podrole aws policy -o json | jq '.policies[0].document' > policy.json";
  if (principal === undefined)
    return [`${print}  # ${condition}saves the policy that the principal of the server needs`];
  const [kind = "role"] = /(?:role|user)(?=\/)/.exec(principal) ?? [];
  const name = shellQuote(principal.slice(principal.lastIndexOf("/") + 1));
  const [, account] = /:(\d{12}):/.exec(principal) ?? [];
  return [
    `${print}  # ${condition}saves the policy that the server needs`,
    `aws iam put-${kind}-policy --${kind}-name ${name} --policy-name podrole --policy-document file://policy.json  # ${condition}in account ${account}, adds an inline policy, or replaces the one named podrole`,
  ];
}
