// Policies in AWS for podrole: what the server's principal may do, and which principal each role trusts. As narrow as
// the use: exact ARNs, no wildcards. Pure.
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html)
import { parseRoleArn, type RoleArn } from "../../policy/role.ts";
import { oneOrAll, type PolicyDocument, type TrustPolicy, trustPolicyOf } from "../migrate/departure/trust.ts";
import type { UsedRole } from "./used-roles.ts";

/** The policy of a principal that assumes roles. */
export interface CallerPolicy {
  /** ARN of a role that assumes others (role chaining); undefined: the server's own principal. */
  readonly caller: string | undefined;
  readonly document: PolicyDocument;
}

/** One policy for each caller, the server's first. */
export function callerPolicies(roles: readonly UsedRole[]): readonly CallerPolicy[] {
  return [...Map.groupBy(withHops(roles), ({ caller }) => caller)]
    .sort(([a = ""], [b = ""]) => (a < b ? -1 : 1))
    .map(([caller, used]) => ({ caller, document: documentOf([...byActions(used)].map(callerStatement)) }));
}

/** What the trust policy of one role has to allow. */
export interface RequiredTrust {
  readonly role: RoleArn;
  /** ARN of the role or user that assumes it. */
  readonly principal: string;
  readonly actions: readonly string[];
  /** External IDs that all of its pods send; undefined if at least one pod sends none. */
  readonly externalIds: readonly string[] | undefined;
}

/**
 * What each role has to trust, including the roles that assume others. `principal`: ARN of the server's role or user.
 */
export function requiredTrust(roles: readonly UsedRole[], principal: string): readonly RequiredTrust[] {
  return withHops(roles).map(({ role, caller = principal, actions, externalIds }) => ({
    role,
    principal: caller,
    actions,
    externalIds,
  }));
}

/** Returns the trust policy that allows it. `existing`: statements that the role's policy has already. */
export function serverTrust(
  { role, principal, actions, externalIds }: RequiredTrust,
  existing: readonly object[] = [],
): TrustPolicy {
  const condition = externalIds && { Condition: { StringEquals: { "sts:ExternalId": oneOrAll(externalIds) } } };
  const statement = { Effect: "Allow", Principal: { AWS: principal }, Action: oneOrAll(actions), ...condition };
  return trustPolicyOf(role, [...existing, statement]);
}

/** Adds the roles that assume others: the server assumes them, without tags and external IDs. */
function withHops(roles: readonly UsedRole[]): readonly UsedRole[] {
  const known = new Set(roles.map(({ role }) => role.arn));
  const hops = [...new Set(roles.flatMap(({ caller }) => caller ?? []))].filter((arn) => !known.has(arn));
  const added = hops.flatMap((arn) => {
    const role = parseRoleArn(arn);
    return role === undefined ? [] : [{ role, caller: undefined, actions: ["sts:AssumeRole"], externalIds: undefined }];
  });
  return [...roles, ...added];
}

const byActions = (roles: readonly UsedRole[]) => Map.groupBy(roles, ({ actions }) => actions.join()).values();

function callerStatement(roles: readonly UsedRole[]): object {
  const [{ actions }] = roles as [UsedRole];
  return { Effect: "Allow", Action: oneOrAll(actions), Resource: oneOrAll(roles.map(({ role }) => literal(role.arn))) };
}

/**
 * Returns a text that IAM compares as it is. A path may contain the characters that are wildcards and variables in a
 * policy. (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#policy-vars-specialchars)
 */
function literal(arn: string): string {
  return arn.replaceAll(/[*?$]/g, (character) => `\${${character}}`);
}

function documentOf(statements: readonly object[]): PolicyDocument {
  return { Version: "2012-10-17", Statement: statements };
}
