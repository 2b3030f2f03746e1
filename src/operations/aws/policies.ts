// Policies in AWS for podrole: what the server's principal may do, and which principal each role trusts. As narrow as
// the use: exact ARNs, no wildcards. Pure.
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html)
import { parseRoleArn } from "../../policy/role.ts";
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

/**
 * The trust policies of all roles, including those that assume others. `principal`: ARN of the server's role or user.
 */
export function serverTrust(roles: readonly UsedRole[], principal: string): readonly TrustPolicy[] {
  return withHops(roles).map(({ role, caller = principal, actions, externalIds }) => {
    const condition = externalIds && { Condition: { StringEquals: { "sts:ExternalId": oneOrAll(externalIds) } } };
    return trustPolicyOf(role, [
      { Effect: "Allow", Principal: { AWS: caller }, Action: oneOrAll(actions), ...condition },
    ]);
  });
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
