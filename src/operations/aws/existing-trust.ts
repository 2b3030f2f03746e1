// Whether the trust policies that roles have allow what podrole needs. Where a condition or a Deny could decide
// otherwise at the time of a call, the answer is unclear, not yes. Pure.
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html)
import { isObject } from "../../runtime/json-object.ts";
import { quotePattern } from "../../runtime/quote-pattern.ts";
import type { AccountDetails, PolicyStatement } from "./account-details.ts";
import type { RequiredTrust } from "./policies.ts";

/** Whether a role trusts the principal that has to assume it. */
export type RoleTrustState =
  | { readonly state: "trusted" }
  /** The trust policy allows none of these actions. */
  | { readonly state: "missing"; readonly actions: readonly string[] }
  /** Whether it allows them depends on what `reason` names. */
  | { readonly state: "unclear"; readonly reason: string }
  /** The account has no such role. */
  | { readonly state: "absent" }
  /** The input has no role of this account. */
  | { readonly state: "unlisted" };

/** Returns the state of one role. */
export function trustStateOf(required: RequiredTrust, { accountIds, trust }: AccountDetails): RoleTrustState {
  const { role, actions } = required;
  const statements = trust.get(role.arn);
  if (statements === undefined) return { state: accountIds.has(role.accountId) ? "absent" : "unlisted" };
  const verdicts = actions.map((action) => [action, trustVerdict(required, action, statements)] as const);
  const missing = verdicts.filter(([, verdict]) => verdict === "missing").map(([action]) => action);
  if (missing.length > 0) return { state: "missing", actions: missing };
  const reason = verdicts.map(([, verdict]) => verdict).find((verdict) => verdict !== "allowed");
  return reason === undefined ? { state: "trusted" } : { state: "unclear", reason };
}

/** "allowed", "missing", or the reason why it is neither. */
function trustVerdict(required: RequiredTrust, action: string, statements: readonly PolicyStatement[]): string {
  const concerned = statements.filter((statement) => concerns(statement, required.principal, action));
  if (concerned.some(({ Effect: effect }) => effect === "Deny")) return "a statement with Deny may apply";
  const allowing = concerned.filter(({ Effect: effect }) => effect === "Allow");
  if (allowing.length === 0) return "missing";
  const isUnconditional = allowing.some(
    (statement) =>
      !("NotPrincipal" in statement || "NotAction" in statement) &&
      hasNoOtherCondition(statement, required.externalIds),
  );
  return isUnconditional ? "allowed" : "the statement that may allow it has a condition, NotPrincipal or NotAction";
}

/** Reports whether a statement may concern the principal and the action: NotPrincipal and NotAction name others. */
function concerns(statement: PolicyStatement, principal: string, action: string): boolean {
  const isNamed = "NotPrincipal" in statement || includesPrincipal(statement["Principal"], principal);
  const patterns = textsOf(statement["Action"]);
  return isNamed && ("NotAction" in statement || patterns.some((pattern) => matchesAction(pattern, action)));
}

/** An account as principal delegates the decision to the policies of its own principals. */
function includesPrincipal(given: unknown, principal: string): boolean {
  if (given === "*") return true;
  const named = textsOf(isObject(given) ? given["AWS"] : undefined);
  const [, partition = "", , , accountId = ""] = principal.split(":");
  return ["*", principal, accountId, `arn:${partition}:iam::${accountId}:root`].some((text) => named.includes(text));
}

/** Actions have wildcards, and upper and lower case are the same. */
function matchesAction(pattern: string, action: string): boolean {
  const source = quotePattern(pattern)
    .replaceAll(/(?:\\\*)+/g, ".*")
    .replaceAll(String.raw`\?`, ".");
  return new RegExp(`^${source}$`, "i").test(action);
}

/** Reports whether a statement has no condition, or only one on the external ID that every pod of the role meets. */
function hasNoOtherCondition({ Condition: condition }: PolicyStatement, ids: readonly string[] | undefined): boolean {
  if (condition === undefined) return true;
  const operators = Object.entries(isObject(condition) ? condition : { unknown: condition });
  return operators.every(([operator, keys]) => {
    const values = Object.entries(isObject(keys) ? keys : { unknown: keys });
    return (
      operator === "StringEquals" &&
      values.every(([key, allowed]) => {
        return key.toLowerCase() === "sts:externalid" && ids?.every((id) => textsOf(allowed).includes(id)) === true;
      })
    );
  });
}

/** A field of a policy is a text or a list of texts. */
function textsOf(value: unknown): readonly string[] {
  return (Array.isArray(value) ? value : [value]).filter((text) => typeof text === "string");
}

/** The states of all roles, and what to change. */
export interface TrustReview {
  /** In the order of the roles. */
  readonly states: readonly (RoleTrustState & { readonly roleArn: string })[];
  /** Roles whose trust policies lack an action, with the statements that they have. */
  readonly lacking: readonly { readonly required: RequiredTrust; readonly existing: readonly PolicyStatement[] }[];
}

/** Compares what roles have to trust with what they trust. */
export function reviewTrust(required: readonly RequiredTrust[], details: AccountDetails): TrustReview {
  const states = required.map((one) => ({ roleArn: one.role.arn, ...trustStateOf(one, details) }));
  const lacking = required
    .filter((_, index) => states[index]?.state === "missing")
    .map((one) => ({ required: one, existing: details.trust.get(one.role.arn) ?? [] }));
  return { states, lacking };
}
