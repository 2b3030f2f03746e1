// What to do about an AssumeRole that STS has denied without a reason: a command for each thing that may be wrong, in
// the order in which they are found out, and each with its condition. Pure.
import { ANNOTATIONS } from "../policy/annotations.ts";
import { withoutSlash } from "../policy/role.ts";
import type { ConcernedPod } from "./code-steps.ts";
import { DENIAL_CONDITIONS, type DenialCondition } from "./denial-conditions.ts";
import {
  addStatementStep,
  type DenialParts,
  ownPolicySteps,
  quotedRole,
  replaceTrustStep,
  roleAccount,
} from "./denied-call.ts";
import { shellCommentText, shellQuote } from "./migrate/shell-commands.ts";
import { annotatePodsStep } from "./next-steps.ts";
import { findMisspeltRole } from "./role-correction.ts";

/** Returns the steps. */
export function unnamedSteps(call: DenialParts, concerned: ConcernedPod): readonly string[] {
  const { none, other, exists } = DENIAL_CONDITIONS;
  return [
    `aws iam get-role --role-name ${quotedRole(call)} --query Role --output json > role.json  # ${roleAccount(call)}, finds out whether the role exists, and saves it: first see that aws sts get-caller-identity shows this account`,
    nameStep(call, concerned),
    `jq ${shellQuote(lookAtRole(call))} role.json  # ${exists}prints its ARN, and each statement of its trust policy that decides about the server`,
    annotateStep(call, concerned, { condition: "path", value: "ARN", purpose: "names the ARN that is printed" }),
    addStatementStep(call, concerned, { condition: none, document: ".AssumeRolePolicyDocument | ", file: "role.json" }),
    replaceTrustStep(call, { file: "role.json", condition: none }),
    idStep(concerned),
    `jq .AssumeRolePolicyDocument role.json > new-trust.json  # ${other}saves the policy: correct that statement in new-trust.json, and add an Allow for the server if there is none, but only if the owner of the role agrees, because the statement may be intended`,
    replaceTrustStep(call, { file: "role.json", condition: other }),
    ...serverSteps(call),
  ];
}

/** The trust policy allows it: the server's own policies do not. */
function serverSteps(call: DenialParts): readonly string[] {
  const { principal, account, roleArn } = call;
  if (principal === undefined || account === undefined || !principal.includes(`:${account}:`)) {
    return ownPolicySteps(call, DENIAL_CONDITIONS.allowed);
  }
  return [
    ...ownPolicySteps(call, DENIAL_CONDITIONS.account),
    `aws iam simulate-principal-policy --policy-source-arn ${shellQuote(principal)} --action-names sts:AssumeRole --resource-arns ${shellQuote(roleArn ?? "ARN")} --query 'EvaluationResults[].EvalDecision'  # ${DENIAL_CONDITIONS.itself}prints explicitDeny if a Deny in the policies of the server is the cause, which its owner can remove; otherwise a policy of the organization may be`,
  ];
}

/** A program for jq that prints the ARN, and the statements about sts:AssumeRole that apply to the principal. */
function lookAtRole({ principal = "ARN" }: DenialParts): string {
  const [, partition = "aws", account = "ACCOUNT"] = /^arn:([\w-]+):iam::(\d{12}):/.exec(principal) ?? [];
  const [server, ...others] = [principal, `arn:${partition}:iam::${account}:root`, account, "*"].map((name) =>
    JSON.stringify(name),
  );
  const named = (element: string) => `[.${element} | .AWS? // .] | flatten`;
  // NotPrincipal applies to everyone whom it does not name; NotAction hardly ever leaves sts:AssumeRole out.
  const isForServer = `if .NotPrincipal then ${named("NotPrincipal")} | all(. != ${server}) else ${named("Principal")} | any(IN(${[server, ...others].join(",")})) end`;
  const pattern = `("^" + (ascii_downcase | gsub("[*]"; ".*") | gsub("[?]"; ".")) + "$") as $p`;
  const isAboutRole = `.NotAction or ([.Action] | flatten | any(strings | ${pattern} | "sts:assumerole" | test($p)))`;
  return `.Arn, (.AssumeRolePolicyDocument.Statement | [.] | flatten[] | select((${isAboutRole}) and (${isForServer})))`;
}

function idStep({ object, roles }: ConcernedPod): string {
  return annotatePodsStep(roles?.object ?? object, ANNOTATIONS.externalId, {
    value: "ID",
    purpose: `${DENIAL_CONDITIONS.external}names its value, ID`,
  });
}

/** Names another role: the one that the namespace permits and that is spelt almost the same, if there is one. */
function nameStep(call: DenialParts, concerned: ConcernedPod): string {
  const { roles } = concerned;
  const misspelt = roles && findMisspeltRole(roles);
  if (roles && misspelt) {
    return annotatePodsStep(roles.object, misspelt.annotation, {
      value: misspelt.meant,
      purpose: `${DENIAL_CONDITIONS.missing}names ${shellCommentText(misspelt.meant)}, which the namespace permits`,
    });
  }
  return annotateStep(call, concerned, {
    condition: "missing",
    value: "ROLE",
    purpose: "corrects the name, ROLE, to one that aws iam list-roles shows",
  });
}

/** Gives the annotation that names the denied role another value. */
function annotateStep(
  { role }: DenialParts,
  { object, roles }: ConcernedPod,
  {
    condition,
    value,
    purpose,
  }: { readonly condition: DenialCondition; readonly value: string; readonly purpose: string },
): string {
  const named = Object.entries(roles?.annotations ?? {});
  const isDenied = ([, name]: readonly [string, string]) => role !== undefined && isRoleName(name, role);
  const [annotation = ANNOTATIONS.role] = named.find(isDenied) ?? named[0] ?? [];
  return annotatePodsStep(roles?.object ?? object, annotation, {
    value,
    purpose: `${DENIAL_CONDITIONS[condition]}${purpose}`,
  });
}

function isRoleName(named: string, role: string): boolean {
  return withoutSlash(named).split("/").at(-1) === role;
}
