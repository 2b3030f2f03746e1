// Decides which container of a pod gets which role, which is podrole's central decision. Pure. The webhook calls it at
// admission, for an early and friendly answer; the server calls it at each issuance, with binding effect. It never
// throws, whatever the annotations contain, and permits nothing that no annotation of the namespace permits.
import { isRefusal, type Refusal, refuse } from "../protocol/errors.ts";
import { judgeByAllowedRoles } from "./allowed-roles.ts";
import { ANNOTATIONS, quoted, valueOf } from "./annotations.ts";
import { type NamedRole, participantsOf, refuseTooMany, roleNamedFor } from "./containers.ts";
import type {
  AssumeRoleInput,
  InheritedAnnotations,
  PodDecision,
  PodFacts,
  PolicySettings,
  RoleDecision,
} from "./model.ts";
import { type Permission, roleForbidden } from "./permission.ts";
import { judgeByPermitted } from "./permitted.ts";
import { isShortRole, type RoleArn, resolveRole } from "./role.ts";
import { durationSeconds, externalId, MAX_CHAINED_SESSION_MS, sessionTags } from "./session.ts";
import { namesOnePod, sessionName, sourceIdentity } from "./session-name.ts";
import { type SessionPolicySource, sessionPolicies } from "./session-policy.ts";

export type * from "./model.ts";

/**
 * Decides on the roles of a pod's containers: which ones the pod, its namespace, its ServiceAccount and the settings
 * name, and which are permitted. With `containers`, only on these. What matching costs is bounded (permission.ts) and
 * never higher for some of the containers than for all, so that the server refuses none for it that admission
 * permitted.
 */
export function decideRoles(
  pod: PodFacts,
  inherited: InheritedAnnotations,
  settings: PolicySettings,
  containers: readonly string[] = pod.containers,
): PodDecision {
  const participants = participantsOf(pod);
  if (isRefusal(participants)) return { roles: [], refusal: participants };
  const withRole = participants.flatMap((container) => {
    const named = roleNamedFor(container, pod, inherited, settings);
    return named ? [{ container, named }] : [];
  });
  const tooMany = refuseTooMany(withRole.length);
  if (tooMany) return { roles: [], refusal: tooMany };
  const requested = new Set(containers);
  const resolved = withRole
    .filter(({ container }) => requested.has(container))
    .map(({ container, named }) => resolveNamed(container, named, settings));
  const arns = [...new Set(resolved.flatMap((each) => ("refusal" in each ? [] : each.role.arn)))];
  const judge = judgeOf(arns, pod.namespace, inherited.namespaceAnnotations, settings);
  // Containers often have the same role, and its permission is the same for each.
  const permissions = new Map(arns.map((arn) => [arn, judge(arn)]));
  const permissionOf = (arn: string) => permissions.get(arn) ?? judge(arn);
  return {
    roles: resolved.map((each) => ("refusal" in each ? each : permitRole(each, pod, permissionOf(each.role.arn)))),
  };
}

/** A role that a container's annotations name, before the namespace permits it. */
type ResolvedRole = Pick<RoleDecision, "container" | "asked" | "origin"> & { readonly role: RoleArn };

/** Returns the role that is named for the container, or why the name cannot be resolved. */
function resolveNamed(
  container: string,
  named: NamedRole,
  settings: PolicySettings,
): ResolvedRole | Exclude<RoleDecision, { outcome: "allowed" }> {
  const common = { container, asked: named.text, origin: named.origin };
  if (settings.serverDetectsBaseArn && isShortRole(named.text)) {
    const state = "only the server has the base ARN (--role-base-arn-autodetect)";
    const message = `Cannot resolve ${named.place} ${quoted(named.text)}: ${state}; expected --role-base-arn or a full role ARN`;
    return { ...common, outcome: "undecided", refusal: refuse("ROLE_INVALID", message) };
  }
  const role = resolveRole(named.text, settings.baseArn, named.place);
  return isRefusal(role) ? { ...common, outcome: "refused", refusal: role } : { ...common, role };
}

function permitRole(resolved: ResolvedRole, pod: PodFacts, permission: Permission): RoleDecision {
  if (permission.permitted) return { ...resolved, outcome: "allowed" };
  const subject = `pod "${pod.namespace}/${pod.name ?? "(new)"}" container ${quoted(resolved.container)}`;
  const message = `Cannot give role ${resolved.role.arn} to ${subject}: ${permission.state}`;
  return { ...resolved, outcome: "refused", refusal: refuse(permission.code, message) };
}

/**
 * Returns what judges each of the ARNs. Neither annotation permits nothing. If there are both, even if one is empty,
 * both must permit the role.
 */
function judgeOf(
  arns: readonly string[],
  namespace: string,
  annotations: Readonly<Record<string, string>>,
  { strictNamespaceRegexp, allowedRolesFormat: format, baseArn }: PolicySettings,
): (arn: string) => Permission {
  const permitted = valueOf(annotations, ANNOTATIONS.permitted);
  const allowed = valueOf(annotations, ANNOTATIONS.allowedRoles);
  const judges = [
    ...(permitted === undefined ? [] : [judgeByPermitted(namespace, permitted, arns, strictNamespaceRegexp)]),
    ...(allowed === undefined ? [] : [judgeByAllowedRoles(namespace, allowed, arns, { format, baseArn })]),
  ];
  if (judges.length === 0) {
    const permission = roleForbidden(
      `namespace "${namespace}" permits no role; expected ${ANNOTATIONS.permitted} on it with an expression that matches`,
    );
    return () => permission;
  }
  return (arn) => {
    const permissions = judges.map((each) => each(arn));
    // A clear denial takes precedence over an annotation that cannot be read, because it also ends credentials issued
    // before.
    return (
      permissions.find((each) => !each.permitted && each.code === "ROLE_FORBIDDEN") ??
      permissions.find(({ permitted }) => !permitted) ?? { permitted: true }
    );
  };
}

/**
 * Returns the input of AssumeRole for this pod and role, or a refusal if an annotation cannot be followed. At
 * admission, where name and uid may be unknown, only the refusal matters. `sessionPolicy`: the content of the ConfigMap
 * that sessionPolicyConfigMap() names. With "deferred" the input lacks that policy, so a session that names one must
 * not be requested with it. With neither, a pod that names one is refused.
 */
export function assumeRoleInput(
  pod: PodFacts,
  role: RoleArn,
  settings: PolicySettings,
  sessionPolicy?: SessionPolicySource,
): AssumeRoleInput | Refusal {
  const name = sessionName(pod, settings);
  if (isRefusal(name)) return name;
  const seconds = durationSeconds(pod, settings);
  if (isRefusal(seconds)) return seconds;
  const external = externalId(pod);
  if (isRefusal(external)) return external;
  const tags = sessionTags(pod, settings);
  if (isRefusal(tags)) return tags;
  const policies = sessionPolicies(pod, role, sessionPolicy);
  if (isRefusal(policies)) return policies;
  const { policyArns, policy } = policies;
  const identity = sourceIdentity(pod, settings);
  const via = valueOf(settings.firstHops ?? {}, role.arn);
  return {
    roleArn: role.arn,
    sessionName: name,
    durationSeconds: via === undefined ? seconds : Math.min(seconds, MAX_CHAINED_SESSION_MS / 1000),
    ...(external !== undefined && { externalId: external }),
    ...(tags && { tags }),
    ...(tags && settings.transitiveTags && { transitiveTags: true as const }),
    ...(identity !== undefined && { sourceIdentity: identity }),
    ...(policyArns && { policyArns }),
    ...(policy !== undefined && { policy }),
    ...(via !== undefined && { via }),
    ...(pod.uid !== undefined && namesOnePod(pod, settings) && { onlyForUid: pod.uid }),
  };
}
