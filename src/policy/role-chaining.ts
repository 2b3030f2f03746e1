// The cap that STS puts on sessions of a server whose own AWS identity is a role.
import type { PolicySettings } from "./model.ts";
import { MAX_CHAINED_SESSION_MS } from "./session.ts";

/** The role session of an EC2 instance: it is named after the instance. */
const INSTANCE_SESSION_ARN = /:assumed-role\/[^/]+\/i-[0-9a-f]{8,17}$/;

/**
 * The policy for a server with this caller ARN. A server that is itself a role session gets sessions of one hour at
 * most (role chaining), so longer ones are shortened to that instead of being refused by STS each time. The role of an
 * EC2 instance does not count (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_terms-and-concepts.html).
 */
export function capForRoleChaining(policy: PolicySettings, callerArn: string): PolicySettings {
  if (!/:assumed-role\//.test(callerArn) || INSTANCE_SESSION_ARN.test(callerArn)) return policy;
  return { ...policy, sessionCapMs: MAX_CHAINED_SESSION_MS };
}
