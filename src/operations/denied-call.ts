// What to do about an AssumeRole that STS has denied: what to correct if its message names the policy, else the steps
// of unnamed-denial.ts. Principal and role come from the server's own record: a pod's author, or whoever may create
// Events, can forge any other message. Pure.
import type { ConcernedPod } from "./code-steps.ts";
import { EMULATOR_REMEDY } from "./emulated-sts.ts";
import { shellQuote } from "./migrate/shell-commands.ts";

/**
 * The principal in the server's explanation of a denial. The words behind it show that the record was not cut within
 * the ARN.
 */
const TRUSTED_PRINCIPAL = /\b(?:to|for) (arn:aws[\w-]*:iam::\d{12}:(?:role|user)\/[\w+=,.@/-]*[\w+=@-]), such as /;
const LACKING_PRINCIPAL = /\((arn:aws[\w-]*:iam::\d{12}:(?:role|user)\/[\w+=,.@/-]*[\w+=@-]) itself lacks /;
const DENIED_ROLE = /\bassume role (arn:aws[\w-]*:iam::(\d{12}):role\/(?:[^\s:]*\/)?([\w+=,.@-]+)): /;

/** A call that STS denied, as far as the server's own record names its parts. */
export interface DenialParts {
  /** ARN of the server's role or user. */
  readonly principal?: string;
  /** The role, its name, and the account that it is in. */
  readonly roleArn?: string;
  readonly role?: string;
  readonly account?: string;
}

/** Reads the server's own record of a denial. */
export function deniedCall(serverMessage: string): DenialParts {
  const [, principal] = TRUSTED_PRINCIPAL.exec(serverMessage) ?? LACKING_PRINCIPAL.exec(serverMessage) ?? [];
  const [, roleArn, account, role] = DENIED_ROLE.exec(serverMessage) ?? [];
  return {
    ...(principal !== undefined && { principal }),
    ...(roleArn !== undefined && role !== undefined && account !== undefined && { roleArn, role, account }),
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

/** Returns what the cause says besides the message; empty if the server calls STS of AWS. */
export function emulatorText({ emulatedSts }: NonNullable<ConcernedPod["installation"]> = {}): string {
  return emulatedSts === undefined ? "" : ` (STS is emulated: the server calls ${emulatedSts}, not AWS)`;
}

/** Returns the commands for a call whose message names what is wrong; undefined if it does not. */
export function namedDenialSteps(concerned: ConcernedPod): readonly string[] | undefined {
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
      return undefined;
    case "other":
      return [
        `aws iam get-role --role-name ${quotedRole(call)}  # ${roleAccount(call)}, shows the role and its policy`,
      ];
  }
}

/** Returns the role's name as an argument. */
export function quotedRole({ role = "NAME" }: DenialParts): string {
  return shellQuote(role);
}

/** Says with whose credentials a command about the role is run. */
export function roleAccount({ account }: DenialParts): string {
  return account === undefined ? "in the account of the role" : `in account ${account}`;
}

function trustSteps(call: DenialParts, concerned: ConcernedPod): readonly string[] {
  return [
    `aws iam get-role --role-name ${quotedRole(call)} --query Role.AssumeRolePolicyDocument --output json > trust.json  # ${roleAccount(call)}, saves the trust policy`,
    addStatementStep(call, concerned, { condition: "", document: "", file: "trust.json" }),
    replaceTrustStep(call, { file: "trust.json" }),
  ];
}

/** Where the trust policy is, and when the step applies. */
interface AddedStatement {
  /** Begins the purpose. */
  readonly condition: string;
  /** Selects the policy in the file, in jq's language. */
  readonly document: string;
  readonly file: string;
}

/** Returns the command that adds a statement for the server to a copy of the trust policy. */
export function addStatementStep(
  { principal = "ARN" }: DenialParts,
  { installation = {} }: ConcernedPod,
  { condition, document, file }: AddedStatement,
): string {
  const actions = installation.hasSessionTags ? ["sts:AssumeRole", "sts:TagSession"] : "sts:AssumeRole";
  const statement = JSON.stringify({ Effect: "Allow", Principal: { AWS: principal }, Action: actions });
  const named =
    principal === "ARN"
      ? "adds the statement, where ARN is the AWS principal of the server, which its log names"
      : "adds the statement to a copy";
  // The one statement of a policy need not be in a list.
  const program = shellQuote(`${document}.Statement |= ([.] | flatten) + [${statement}]`);
  return `jq ${program} ${file} > new-trust.json  # ${condition}${named}`;
}

/** Returns the command that replaces the trust policy by the copy. `file`: in which the present one was saved. */
export function replaceTrustStep(
  call: DenialParts,
  { file, condition = "" }: { readonly file: string; readonly condition?: string },
): string {
  return `aws iam update-assume-role-policy --role-name ${quotedRole(call)} --policy-document file://new-trust.json  # ${condition}${roleAccount(call)}, replaces the trust policy by the copy: look at it first, and keep ${file}, which has the present one`;
}

/** Returns the commands that give the server's principal the policy that it needs. */
export function ownPolicySteps({ principal }: DenialParts, condition = ""): readonly string[] {
  const print = "podrole aws policy -o json | jq '.policies[0].document' > policy.json";
  if (principal === undefined)
    return [`${print}  # ${condition}saves the policy that the principal of the server needs`];
  const [kind = "role"] = /(?:role|user)(?=\/)/.exec(principal) ?? [];
  const name = shellQuote(principal.slice(principal.lastIndexOf("/") + 1));
  const [, account] = /:(\d{12}):/.exec(principal) ?? [];
  return [
    `${print}  # ${condition}saves the policy that the server needs`,
    `aws iam put-${kind}-policy --${kind}-name ${name} --policy-name podrole --policy-document file://policy.json  # ${condition}in account ${account}, adds an inline policy, or replaces the one named podrole, which aws iam get-${kind}-policy prints before`,
  ];
}
