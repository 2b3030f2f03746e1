// Session policies: they narrow a session to what both role and policies allow. Dropping one silently would widen the
// session, so a policy that is named and unavailable is a refusal.
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session)

import { isRefusal, type Refusal, refuse } from "../protocol/errors.ts";
import { parseJson } from "../runtime/json-object.ts";
import { ANNOTATIONS, quoted, valueOf } from "./annotations.ts";
import type { PodFacts } from "./model.ts";
import { NAME_CHARACTERS, ROLE_PATH, type RoleArn } from "./role.ts";

/** The key of the policy in its ConfigMap. */
export const SESSION_POLICY_KEY = "policy.json";

/**
 * The content of the ConfigMap: its text, undefined if there is no such ConfigMap or key. "deferred": the ConfigMap was
 * not read, so its policy is neither used nor refused; the issue reads it. The webhook has no permission to read
 * ConfigMaps.
 */
export type SessionPolicySource = { readonly text: string | undefined } | "deferred";

const MAX_POLICY_ARNS = 10;
/** STS: characters of the inline policy and the ARNs of managed policies together. */
export const MAX_POLICY_LENGTH = 2_048;
const POLICY_ARN = new RegExp(
  String.raw`^arn:([a-z-]{3,16}):iam::(aws|\d{12}):policy${ROLE_PATH}[${NAME_CHARACTERS}]{1,128}$`,
);
const CONFIG_MAP = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/;

/**
 * Returns the ConfigMap to read for this pod, undefined if it names none; ANNOTATION_INVALID if it cannot be a name.
 */
export function sessionPolicyConfigMap(pod: PodFacts): string | undefined | Refusal {
  const name = valueOf(pod.annotations, ANNOTATIONS.sessionPolicy);
  if (name === undefined || CONFIG_MAP.test(name)) return name;
  return annotationInvalid(
    ANNOTATIONS.sessionPolicy,
    name,
    "it is not a valid name; expected the name of a ConfigMap in the pod's namespace",
  );
}

/** Returns the session policies of this pod for this role; both undefined if it requests none. */
export function sessionPolicies(
  pod: PodFacts,
  role: RoleArn,
  source: SessionPolicySource | undefined,
): { readonly policyArns: readonly string[] | undefined; readonly policy: string | undefined } | Refusal {
  const policyArns = policyArnsOf(pod, role);
  if (isRefusal(policyArns)) return policyArns;
  const policy = inlinePolicyOf(pod, source);
  if (isRefusal(policy)) return policy;
  const length = [policy ?? "", ...(policyArns ?? [])].reduce((sum, text) => sum + text.length, 0);
  if (length <= MAX_POLICY_LENGTH) return { policyArns, policy };
  const names = [policyArns && ANNOTATIONS.sessionPolicyArns, policy && ANNOTATIONS.sessionPolicy].filter(Boolean);
  return refuse(
    "ANNOTATION_INVALID",
    `Cannot use ${names.join(" and ")}: the session policies have ${length} characters; expected at most ${MAX_POLICY_LENGTH}`,
  );
}

function policyArnsOf(pod: PodFacts, role: RoleArn): readonly string[] | undefined | Refusal {
  const annotated = valueOf(pod.annotations, ANNOTATIONS.sessionPolicyArns);
  if (annotated === undefined) return undefined;
  const arns = annotated.split(",", MAX_POLICY_ARNS + 1).map((arn) => arn.trim());
  const isUsable = arns.length <= MAX_POLICY_ARNS && arns.every((arn) => isOfAccount(arn, role));
  if (isUsable) return arns;
  const state = `it is not a usable list; expected up to ${MAX_POLICY_ARNS} ARNs of managed policies of AWS or of account ${role.accountId}, separated by commas`;
  return annotationInvalid(ANNOTATIONS.sessionPolicyArns, annotated, state);
}

/** STS requires managed session policies to be in the account of the role, or AWS's own. */
function isOfAccount(arn: string, role: RoleArn): boolean {
  const [, partition, account] = POLICY_ARN.exec(arn) ?? [];
  return partition === role.partition && (account === "aws" || account === role.accountId);
}

function inlinePolicyOf(pod: PodFacts, source: SessionPolicySource | undefined): string | undefined | Refusal {
  const name = sessionPolicyConfigMap(pod);
  if (name === undefined || isRefusal(name)) return name;
  if (source === "deferred") return undefined;
  if (source?.text === undefined) {
    const state = `there is no such ConfigMap in namespace "${pod.namespace}", or it has no ${SESSION_POLICY_KEY}`;
    return annotationInvalid(ANNOTATIONS.sessionPolicy, name, `${state}; expected a policy there`);
  }
  const problem = findPolicyTextProblem(source.text);
  if (problem === undefined) return source.text;
  return annotationInvalid(ANNOTATIONS.sessionPolicy, name, `its ${SESSION_POLICY_KEY} ${problem}`);
}

/**
 * Returns why STS would reject the policy, so that the refusal comes before the call; undefined if nothing is wrong.
 */
function findPolicyTextProblem(text: string): string | undefined {
  if (text.length > MAX_POLICY_LENGTH) return `is too long; expected at most ${MAX_POLICY_LENGTH} characters`;
  if (!/^[\t\n\r\x20-\xff]+$/.test(text)) return "is empty or has characters beyond Latin-1; expected a JSON policy";
  const policy = parseJson(text);
  if (policy === undefined) return "is not JSON; expected a JSON policy";
  const isPolicy = typeof policy === "object" && policy !== null && "Statement" in policy;
  return isPolicy ? undefined : "is not a policy; expected a JSON object with a Statement";
}

function annotationInvalid(annotation: string, value: string, state: string): Refusal {
  return refuse("ANNOTATION_INVALID", `Cannot use ${annotation} ${quoted(value)}: ${state}`);
}
