// The roles of a pod's containers at admission, and the reasons for which the pod cannot have them.
import type { Pod } from "../kubernetes/objects.ts";
import { ANNOTATIONS, quoted, valueOf } from "../policy/annotations.ts";
import { participationIn } from "../policy/containers.ts";
import {
  assumeRoleInput,
  decideRoles,
  type InheritedAnnotations,
  type PodFacts,
  type PolicySettings,
  type RoleDecision,
} from "../policy/decide.ts";
import { podFacts } from "../policy/facts.ts";
import { MAX_CHAINED_SESSION_MS } from "../policy/session.ts";
import { isRefusal, type Refusal, refuse } from "../protocol/errors.ts";
import { duration } from "../runtime/settings.ts";
import { requestedMetadata } from "./pod-annotations.ts";
import { type Warning, warningOf } from "./warnings.ts";

/** The decision about every container's role. */
export interface PodRoles {
  readonly roles: readonly RoleDecision[];
  /** Participating containers without a role. */
  readonly withoutRole: readonly string[];
  readonly refusal: Refusal | undefined;
}

/** Decides the roles of a pod in `namespace`, as the server will decide them again before it issues credentials. */
export function decidePodRoles(
  pod: Pod,
  namespace: string,
  inherited: InheritedAnnotations,
  policy: PolicySettings,
): PodRoles {
  const facts = podFacts(pod, namespace);
  const { roles, refusal } = decideRoles(facts, inherited, policy);
  const withRole = new Set(roles.map(({ container }) => container));
  const participates = participationIn(facts.annotations);
  const withoutRole = facts.containers.filter((name) => participates(name) && !withRole.has(name));
  return {
    roles,
    withoutRole,
    refusal: refusal ?? refuseSessions(facts, roles, policy) ?? refuseMetadata(facts, roles),
  };
}

/** Warns about what depends on the server's own AWS identity, which is unknown at admission: never a refusal. */
export function serverWarnings({ metadata }: Pod, roles: readonly RoleDecision[]): readonly Warning[] {
  const undecided = roles.filter(({ outcome }) => outcome === "undecided");
  const requested = valueOf(metadata.annotations ?? {}, ANNOTATIONS.sessionDuration);
  const isLong = requested !== undefined && (duration.parse(requested) ?? 0) > MAX_CHAINED_SESSION_MS;
  return [
    ...[...new Set(undecided.map(roleText))].map((role) => warningOf("ROLE_UNCHECKED", role)),
    ...(isLong ? [warningOf("SESSION_MAY_BE_SHORTENED", requested)] : []),
  ];
}

/** The role's ARN; its name as written when only the server can resolve it. */
export function roleText({ role, asked }: RoleDecision): string {
  return role?.arn ?? asked;
}

/** Refuses session settings that STS would never accept, although the role itself is permitted. */
function refuseSessions(facts: PodFacts, roles: readonly RoleDecision[], policy: PolicySettings): Refusal | undefined {
  // Containers often have the same role, and the settings of its sessions are the same for each.
  const accepted = new Set<string>();
  for (const decision of roles) {
    if (decision.outcome === "undecided") continue;
    if (decision.outcome === "refused") return decision.refusal;
    const { role } = decision;
    if (accepted.has(role.arn)) continue;
    const input = assumeRoleInput(facts, role, policy, "deferred");
    if (isRefusal(input)) return input;
    accepted.add(role.arn);
  }
  return undefined;
}

/**
 * Metadata requests carry no container's token, so the sidecar cannot tell which container sent one: every container,
 * a mesh's included, must have the same role.
 */
function refuseMetadata({ annotations, containers }: PodFacts, roles: readonly RoleDecision[]): Refusal | undefined {
  if (requestedMetadata(annotations) === "off" || roles.length === 0) return undefined;
  const withRole = new Set(roles.map(({ container }) => container));
  const without = containers.find((name) => !withRole.has(name));
  const { size } = new Set(roles.map(roleText));
  if (size === 1 && without === undefined) return undefined;
  const state =
    without === undefined ? `its containers have ${size} roles` : `container ${quoted(without)} has no role`;
  return refuse(
    "ANNOTATION_INVALID",
    `Cannot use ${ANNOTATIONS.metadata}: ${state}; expected one role for every container of the pod, because they share the metadata paths`,
  );
}
