// From the server's settings to the policy's. What must be asked for first (own-identity.ts) is given.
import type { PolicySettings } from "../policy/decide.ts";
import { LONGEST_CHAINED_SESSION_MS } from "../policy/session.ts";
import type { ServerSettings } from "./settings.ts";

export function policySettings(settings: ServerSettings, baseArn: string | undefined): PolicySettings {
  const { session } = settings;
  return {
    baseArn,
    strictNamespaceRegexp: !settings.disableStrictNamespaceRegexp,
    allowedRolesFormat: settings.allowedRolesFormat,
    sessionName:
      session === undefined ? { kind: "template", template: settings.sessionName } : { kind: "kiam", session },
    sessionDurationMs: settings.sessionDuration,
    ...(settings.maxSessionDuration !== undefined && { maxSessionDurationMs: settings.maxSessionDuration }),
    ...(settings.firstHops && { firstHops: settings.firstHops }),
    ...(settings.sessionTagLabels && { sessionTagLabels: settings.sessionTagLabels }),
    sessionTags: settings.sessionTags,
    transitiveTags: settings.sessionTagsTransitive,
    ...(settings.clusterArn !== undefined && { clusterArn: settings.clusterArn }),
    clusterName: settings.clusterName,
    sourceIdentity: settings.sourceIdentity,
    defaultRole: settings.defaultRole,
  };
}

/** Of EC2, for the role of an instance: the session has the instance's name. */
const INSTANCE = /:assumed-role\/[^/]+\/i-[0-9a-f]{8,17}$/;

/**
 * The policy for a server that is itself a session of a role: STS gives what it assumes an hour at most (role chaining),
 * so that is what pods are given and may ask for, instead of a refusal by STS each time. A role of an EC2 instance does
 * not count as one (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_terms-and-concepts.html).
 */
export function forCaller(policy: PolicySettings, callerArn: string): PolicySettings {
  if (!/:assumed-role\//.test(callerArn) || INSTANCE.test(callerArn)) return policy;
  const atMost = (ms: number) => Math.min(ms, LONGEST_CHAINED_SESSION_MS);
  const { sessionDurationMs, maxSessionDurationMs } = policy;
  return {
    ...policy,
    sessionDurationMs: atMost(sessionDurationMs),
    ...(maxSessionDurationMs !== undefined && { maxSessionDurationMs: atMost(maxSessionDurationMs) }),
  };
}
