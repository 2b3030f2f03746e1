// What happens to a pod, as one would say it: can it be read → is it ours to change → may it have its roles → is there
// room for podrole → then this is the pod. Pure: no clock, no network, no process; used by the webhook and the command line.
import { isDeepStrictEqual } from "node:util";
import type { Pod } from "../kubernetes/objects.ts";
import { ANNOTATIONS, LABELS, quoted, valueOf } from "../policy/annotations.ts";
import {
  assumeRoleInput,
  decideRoles,
  type PodFacts,
  type PolicySettings,
  type RoleDecision,
  type Surroundings,
} from "../policy/decide.ts";
import { podFacts } from "../policy/facts.ts";
import { LONGEST_CHAINED_SESSION_MS } from "../policy/session.ts";
import type { ErrorCode, Refusal } from "../protocol/errors.ts";
import { duration } from "../runtime/settings.ts";
import { type InjectSettings, inject } from "./inject.ts";
import { takesPart } from "./mesh.ts";
import { metadataWish, namesRole, refuseSwitches, warnAboutNames } from "./pod-annotations.ts";
import { isMarked, refuseReservedNames } from "./reserved.ts";
import { allContainers, findShapeProblem } from "./shape.ts";
import { SKIP_REASONS, type SkipReason } from "./skip-reasons.ts";
import { type Warning, warningOf } from "./warnings.ts";

export interface PlanSettings extends InjectSettings {
  /** Namespaces that are never touched, besides Kubernetes' own: podrole's. */
  readonly excludedNamespaces: readonly string[];
  readonly policy: PolicySettings;
}

export interface PlanInput {
  /** May be anything that JSON can say: a value that is no pod is refused. */
  readonly pod: Pod;
  readonly namespace: {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  };
  readonly serviceAccountAnnotations: Readonly<Record<string, string>>;
}

export interface Plan {
  readonly decision: "inject" | "skip" | "refuse";
  readonly reason: ErrorCode | SkipReason | "INJECTED" | "ALREADY_INJECTED";
  /** For people: the decision in one sentence. */
  readonly message: string;
  /** The pod as it should be; the given one unless it is injected. */
  readonly pod: Pod;
  /** kubectl prints their texts, each after "Warning:". */
  readonly warnings: readonly Warning[];
  readonly roles: readonly RoleDecision[];
}

const SYSTEM_NAMESPACES = new Set(["kube-system", "kube-public", "kube-node-lease"]);

/** Never throws, and never changes its input. plan(plan(pod).pod) is the same pod, with ALREADY_INJECTED. */
export function plan({ pod, namespace, serviceAccountAnnotations }: PlanInput, settings: PlanSettings): Plan {
  const problem = findShapeProblem(pod);
  if (problem !== undefined) {
    return refuse(pod, { code: "REQUEST_INVALID", message: `Cannot read the pod: ${problem}` }, [], []);
  }
  const place = whyNotHere(namespace, settings);
  if (place !== undefined) return skip(pod, place, []);

  const warnings = warnAboutNames(pod);
  const wish = refuseSwitches(pod);
  if (wish) return refuse(pod, wish, warnings, []);
  const nature = whyNotThisPod(pod);
  if (nature !== undefined) return skip(pod, nature, warnings);

  const facts = factsOf(pod, namespace.name);
  const around = { namespaceAnnotations: namespace.annotations, serviceAccountAnnotations };
  const { roles, refusal } = mayHave(facts, around, settings.policy);
  const no = refusal ?? refuseMetadata(podFacts(pod, namespace.name), roles);
  if (no) return refuse(pod, no, warnings, roles);
  if (roles.length === 0) return skip(pod, namesRole(pod) ? "NO_CONTAINER" : "NO_ROLE", warnings);

  const reserved = refuseReservedNames(pod);
  if (reserved) return refuse(pod, reserved, warnings, roles);

  const withRole = roles.map(({ container }) => container);
  const leftOut = facts.containers.filter((name) => !withRole.includes(name));
  const injected = inject(pod, { withRole, leftOut }, settings);
  return {
    decision: "inject",
    reason: isMarked(pod) && isDeepStrictEqual(injected.pod, pod) ? "ALREADY_INJECTED" : "INJECTED",
    message: sentence(roles.filter(({ container }) => injected.served.includes(container))),
    pod: injected.pod,
    warnings: [
      ...warnings,
      ...warnAboutServer(facts, roles),
      ...injected.warnings,
      ...sharedProcesses(pod, roles, leftOut),
    ],
    roles,
  };
}

function whyNotHere({ name, labels }: PlanInput["namespace"], settings: PlanSettings): SkipReason | undefined {
  if (SYSTEM_NAMESPACES.has(name) || settings.excludedNamespaces.includes(name)) return "SYSTEM_NAMESPACE";
  return labels[LABELS.inject] === "enabled" ? undefined : "NAMESPACE_NOT_LABELLED";
}

function whyNotThisPod({ metadata, spec }: Pod): SkipReason | undefined {
  if (metadata.annotations?.[ANNOTATIONS.inject] === "disabled") return "INJECTION_DISABLED";
  if (metadata.annotations?.["kubernetes.io/config.mirror"] !== undefined) return "MIRROR_POD";
  if (!Array.isArray(spec.containers) || spec.containers.length === 0) return "NO_CONTAINER";
  if (spec.os?.name === "windows" || spec.nodeSelector?.["kubernetes.io/os"] === "windows") return "WINDOWS";
  return spec.hostNetwork === true ? "HOST_NETWORK" : undefined;
}

/** Without the containers of a mesh, unless an annotation names them: they work beside the app, not for it. */
function factsOf(pod: Pod, namespace: string): PodFacts {
  const facts = podFacts(pod, namespace);
  const bystanders = allContainers(pod).filter((container) => !takesPart(pod, container));
  return bystanders.length === 0
    ? facts
    : { ...facts, containers: facts.containers.filter((name) => bystanders.every((other) => other.name !== name)) };
}

/** The roles, and why the pod cannot have them: one that is not permitted, or a session that STS would never give. */
function mayHave(
  facts: PodFacts,
  around: Surroundings,
  policy: PolicySettings,
): { roles: readonly RoleDecision[]; refusal: Refusal | undefined } {
  const { roles, refusal } = decideRoles(facts, around, policy);
  if (refusal) return { roles, refusal };
  for (const decision of roles) {
    if (!decision.allowed && decision.undecided) continue;
    const input = decision.allowed ? assumeRoleInput(facts, decision.role, policy, "unread") : decision;
    if ("code" in input) return { roles, refusal: { code: input.code, message: input.message } };
  }
  return { roles, refusal: undefined };
}

/**
 * Its requests carry no token of a container, so the sidecar cannot tell by whom it is asked: all must be entitled to
 * the same, a mesh's containers included.
 */
function refuseMetadata({ annotations, containers }: PodFacts, roles: readonly RoleDecision[]): Refusal | undefined {
  if (metadataWish(annotations) === "off" || roles.length === 0) return undefined;
  const without = containers.filter((name) => roles.every(({ container }) => container !== name));
  const { size } = new Set(roles.map(roleText));
  if (size === 1 && without.length === 0) return undefined;
  const found = without[0] === undefined ? `there are ${size}` : `${quoted(without[0])} has none`;
  return {
    code: "ANNOTATION_INVALID",
    message: `Cannot use ${ANNOTATIONS.metadata}: it serves every container of the pod alike, wanted the same role for all of them, but ${found}`,
  };
}

/** The role's ARN; its name as written if only the server can resolve it. */
function roleText({ role, asked }: RoleDecision): string {
  return role?.arn ?? asked;
}

/** What depends on the server's own AWS identity, which nobody knows at admission: a warning, never a refusal. */
function warnAboutServer({ annotations }: PodFacts, roles: readonly RoleDecision[]): readonly Warning[] {
  const undecided = roles.filter((decision) => !decision.allowed && decision.undecided);
  const requested = valueOf(annotations, ANNOTATIONS.sessionDuration);
  const isLong = requested !== undefined && (duration.parse(requested) ?? 0) > LONGEST_CHAINED_SESSION_MS;
  return [
    ...[...new Set(undecided.map(roleText))].map((role) => warningOf("ROLE_UNCHECKED", role)),
    ...(isLong ? [warningOf("SESSION_MAY_BE_SHORTENED", requested)] : []),
  ];
}

/** One token a container keeps them apart only as long as none can look into another's files under /proc. */
function sharedProcesses(pod: Pod, roles: readonly RoleDecision[], leftOut: readonly string[]): readonly Warning[] {
  const isDivided = leftOut.length > 0 || new Set(roles.map(roleText)).size > 1;
  return isDivided && pod.spec["shareProcessNamespace"] === true ? [warningOf("PROCESSES_SHARED")] : [];
}

function sentence(roles: readonly RoleDecision[]): string {
  const parts = [...new Set(roles.map(roleText))].map((role) => {
    const containers = roles.filter((decision) => roleText(decision) === role).map(({ container }) => container);
    return `${containers.join(", ")}: ${role}`;
  });
  return `podrole is injected; ${parts.join("; ")}`;
}

function refuse(
  pod: Pod,
  { code, message }: Refusal,
  warnings: readonly Warning[],
  roles: readonly RoleDecision[],
): Plan {
  return { decision: "refuse", reason: code, message, pod, warnings, roles };
}

/** A pod that names a role and does not get it says so: it would otherwise run with the node's. */
function skip(pod: Pod, reason: SkipReason, warnings: readonly Warning[]): Plan {
  const unheard = reason !== "MIRROR_POD" && namesRole(pod);
  return {
    decision: "skip",
    reason,
    message: SKIP_REASONS[reason],
    pod,
    warnings: unheard ? [...warnings, warningOf("ROLE_IGNORED", reason)] : warnings,
    roles: [],
  };
}
