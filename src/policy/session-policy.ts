// Session policies: they narrow a session to what role and policies both allow. So the one mistake that must not
// happen here is to leave one out: a policy that is named and cannot be had is a refusal.
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session)
import { isRefusal, type Refusal } from "../protocol/errors.ts";
import { ANNOTATIONS, quoted, valueOf } from "./annotations.ts";
import type { PodFacts } from "./model.ts";
import type { RoleArn } from "./role.ts";

/** The key of the ConfigMap under which the policy stands. */
export const SESSION_POLICY_KEY = "policy.json";

/**
 * What the ConfigMap held: its text, undefined when there is no such ConfigMap or key, and "unread" at admission, which
 * may not read ConfigMaps and leaves the question to the issue.
 */
export type SessionPolicySource = { readonly text: string | undefined } | "unread";

const MOST_POLICY_ARNS = 10;
/** STS: the plain text of inline and managed policies together. */
const LONGEST_POLICY = 2_048;
const POLICY_ARN = /^arn:([a-z-]{3,16}):iam::(aws|\d{12}):policy\/(?:[\x21-\x7e]{1,510}\/)?[\w+=,.@-]{1,128}$/;
const CONFIG_MAP = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/;

/** The ConfigMap to read for this pod, undefined when it asks for none; ANNOTATION_INVALID when it cannot be a name. */
export function sessionPolicyConfigMap(pod: PodFacts): string | undefined | Refusal {
  const name = valueOf(pod.annotations, ANNOTATIONS.sessionPolicy);
  if (name === undefined || CONFIG_MAP.test(name)) return name;
  return invalid(ANNOTATIONS.sessionPolicy, name, "wanted the name of a ConfigMap in the pod's namespace");
}

/** The session policies of this pod for this role; both undefined when it asks for none. */
export function sessionPolicies(
  pod: PodFacts,
  role: RoleArn,
  source: SessionPolicySource | undefined,
): { readonly policyArns: readonly string[] | undefined; readonly policy: string | undefined } | Refusal {
  const policyArns = policyArnsOf(pod, role);
  if (isRefusal(policyArns)) return policyArns;
  const policy = inlinePolicyOf(pod, source);
  if (typeof policy === "object") return policy;
  const length = [policy ?? "", ...(policyArns ?? [])].reduce((sum, text) => sum + text.length, 0);
  if (length <= LONGEST_POLICY) return { policyArns, policy };
  const names = [policyArns && ANNOTATIONS.sessionPolicyArns, policy && ANNOTATIONS.sessionPolicy].filter(Boolean);
  return {
    code: "ANNOTATION_INVALID",
    message: `Cannot use ${names.join(" and ")}: the session policies have ${length} characters, wanted at most ${LONGEST_POLICY}`,
  };
}

function policyArnsOf(pod: PodFacts, role: RoleArn): readonly string[] | undefined | Refusal {
  const annotated = valueOf(pod.annotations, ANNOTATIONS.sessionPolicyArns);
  if (annotated === undefined) return undefined;
  const arns = annotated.split(",", MOST_POLICY_ARNS + 1).map((arn) => arn.trim());
  const isUsable = arns.length <= MOST_POLICY_ARNS && arns.every((arn) => isOfAccount(arn, role));
  if (isUsable) return arns;
  const wanted = `wanted up to ${MOST_POLICY_ARNS} ARNs of managed policies of AWS or of account ${role.accountId}, separated by commas`;
  return invalid(ANNOTATIONS.sessionPolicyArns, annotated, wanted);
}

/** STS: managed session policies must be in the account of the role (or AWS's own). */
function isOfAccount(arn: string, role: RoleArn): boolean {
  const [, partition, account] = POLICY_ARN.exec(arn) ?? [];
  return partition === role.partition && (account === "aws" || account === role.accountId);
}

function inlinePolicyOf(pod: PodFacts, source: SessionPolicySource | undefined): string | undefined | Refusal {
  const name = sessionPolicyConfigMap(pod);
  if (typeof name !== "string") return name;
  if (source === "unread") return undefined;
  if (source?.text === undefined) {
    const state = `there is no such ConfigMap in namespace "${pod.namespace}", or it has no ${SESSION_POLICY_KEY}`;
    return invalid(ANNOTATIONS.sessionPolicy, name, `${state}, wanted a policy there`);
  }
  const problem = refusePolicyText(source.text);
  if (problem === undefined) return source.text;
  return invalid(ANNOTATIONS.sessionPolicy, name, `its ${SESSION_POLICY_KEY} ${problem}`);
}

/** What STS would reject anyway, said before it is asked; undefined when nothing is wrong. */
function refusePolicyText(text: string): string | undefined {
  if (text.length > LONGEST_POLICY) return `has ${text.length} characters, wanted at most ${LONGEST_POLICY}`;
  if (!/^[\t\n\r\x20-\xff]+$/.test(text)) return "is empty or has characters beyond Latin-1, wanted a JSON policy";
  let policy: unknown;
  try {
    policy = JSON.parse(text);
  } catch {
    return "is not JSON, wanted a JSON policy";
  }
  const isPolicy = typeof policy === "object" && policy !== null && "Statement" in policy;
  return isPolicy ? undefined : "is not a policy, wanted a JSON object with a Statement";
}

function invalid(annotation: string, value: string, state: string): Refusal {
  return { code: "ANNOTATION_INVALID", message: `Cannot use ${annotation} ${quoted(value)}: ${state}` };
}
