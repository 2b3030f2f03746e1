// What happens to a pod, step by step: check its shape → may it be injected → may it have its roles → are podrole's
// names free → build the injected pod. Pure: no clock, no network, no process. Used by the webhook and the command
// line.
import { isDeepStrictEqual } from "#platform";
import type { Container, Pod } from "../kubernetes/objects.ts";
import type { PolicySettings, RoleDecision } from "../policy/decide.ts";
import { formatPin } from "../policy/pin.ts";
import { type ErrorCode, isRefusal, type Refusal, refuse } from "../protocol/errors.ts";
import { dnsWarnings } from "./dns.ts";
import { type EnvSources, envFromWarnings } from "./env-from.ts";
import { sizePod } from "./fit-sizes.ts";
import { type Injected, type InjectSettings, inject } from "./inject.ts";
import { isolationWarnings } from "./isolation.ts";
import { type NamespaceLimits, NO_LIMITS } from "./namespace-limits.ts";
import { hasOwnParts, isInjected } from "./parts.ts";
import { hasRoleAnnotation, refuseSwitches, warnAboutNames } from "./pod-annotations.ts";
import { usesPodCertificates } from "./pod-certificates.ts";
import { quotaWarnings } from "./quota-warnings.ts";
import { presentResources } from "./refresh.ts";
import { refuseReservedNames } from "./reserved.ts";
import { annotateResolvedRoles } from "./resolved-roles.ts";
import { decidePodRoles, roleText, serverWarnings } from "./roles.ts";
import { allContainers, readPod } from "./shape.ts";
import { SKIP_REASONS, type SkipReason, skipReasonOfNamespace, skipReasonOfPod } from "./skip-reasons.ts";
import { uninject } from "./uninject.ts";
import { type Warning, warningOf } from "./warnings.ts";

/** Settings of a plan: those of injection, and the policy that decides about roles. */
export interface PlanSettings extends InjectSettings {
  /** Namespaces that are never injected, in addition to Kubernetes' own: podrole's. */
  readonly excludedNamespaces: readonly string[];
  readonly policy: PolicySettings;
}

/** A pod and everything outside it that the decision reads. */
export interface PlanInput {
  /** Any JSON value; one that is not a pod is refused. */
  readonly pod: unknown;
  readonly namespace: {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
    /** Absent: the caller does not read LimitRanges and ResourceQuotas. */
    readonly limits?: NamespaceLimits;
  };
  readonly serviceAccountAnnotations: Readonly<Record<string, string>>;
  /** Those that the caller has read; absent: none. */
  readonly envSources?: EnvSources;
}

/** The decision about a pod, with its reason. */
export type Plan = PlanFacts & (Injection | Omission);

/** `pod`: the injected pod. */
interface Injection {
  readonly decision: "inject";
  readonly reason: "INJECTED" | "ALREADY_INJECTED";
  readonly pod: Pod;
}

/**
 * The pod stays as it is, except that a skipped pod loses what an earlier injection left in it (`pod`). `basis`: what
 * the decision follows from; "pod" means that no change to the namespace's or the ServiceAccount's annotations and
 * labels could lead to another one.
 */
type Omission = { readonly basis: "pod" | "context" } & (
  | { readonly decision: "skip"; readonly reason: SkipReason; readonly pod?: Pod }
  | { readonly decision: "refuse"; readonly reason: ErrorCode }
);

interface PlanFacts {
  /** The decision in one sentence, for people. */
  readonly message: string;
  /** kubectl prints their texts, each after "Warning:". */
  readonly warnings: readonly Warning[];
  readonly roles: readonly RoleDecision[];
}

/** Never throws and never changes its input. plan(plan(pod).pod) returns the same pod, with ALREADY_INJECTED. */
export function plan(input: PlanInput, settings: PlanSettings): Plan {
  const read = readPod(input.pod);
  if (!read.ok) return refusedPlan("pod", refuse("REQUEST_INVALID", `Cannot read the pod: ${read.problem}`));
  const pod = read.value;
  const { namespace, serviceAccountAnnotations, envSources = new Map() } = input;
  const placeReason = skipReasonOfNamespace(namespace, settings.excludedNamespaces);
  if (placeReason !== undefined)
    return skipPod(placeReason === "SYSTEM_NAMESPACE" ? "pod" : "context", pod, placeReason);

  const warnings = warnAboutNames(pod);
  const invalid = refuseSwitches(pod);
  if (invalid) return refusedPlan("pod", invalid, warnings);
  const podReason = skipReasonOfPod(pod);
  if (podReason !== undefined) {
    const skipped = skipPod("pod", pod, podReason, warnings);
    return podReason === "MIRROR_POD" ? skipped : withoutLeftovers(skipped, pod, settings);
  }

  const inherited = { namespaceAnnotations: namespace.annotations, serviceAccountAnnotations };
  const decided = decidePodRoles(pod, namespace.name, inherited, settings.policy);
  const { roles, withoutRole } = decided;
  if (decided.refusal) {
    const basis = decided.refusal.code === "CONTAINER_UNKNOWN" ? "pod" : "context";
    return refusedPlan(basis, decided.refusal, warnings, roles);
  }
  if (roles.length === 0) {
    const skipped = hasRoleAnnotation(pod)
      ? skipPod("pod", pod, "NO_CONTAINER", warnings)
      : skipPod("context", pod, "NO_ROLE", warnings);
    return withoutLeftovers(skipped, pod, settings);
  }
  const reserved = refuseReservedNames(pod, settings);
  if (reserved) return refusedPlan("context", reserved, warnings, roles);
  const { annotations, limits = NO_LIMITS } = namespace;
  const podCertificates = usesPodCertificates(annotations, settings.podCertificates);
  if (isRefusal(podCertificates)) return refusedPlan("context", podCertificates, warnings, roles);
  const present = presentResources(pod, { ...settings, podCertificates });
  const sizes = sizePod(pod, { annotations, limits, present }, settings.resources);
  if (isRefusal(sizes)) return refusedPlan("context", sizes, warnings, roles);

  const pin = settings.policy.pinRoles && formatPin(roles, pod.metadata.annotations);
  if (pin !== undefined && isRefusal(pin)) return refusedPlan("context", pin, warnings, roles);
  const withRole = roles.map(({ container }) => container);
  const participants = { withRole, withoutRole, ...(pin !== undefined && { pin }) };
  const injected = inject(pod, participants, { ...settings, ...sizes, podCertificates });
  const served = roles.filter(({ container }) => injected.served.has(container));
  const after = annotateResolvedRoles(injected.pod, served);
  return {
    decision: "inject",
    reason: isInjected(pod) && isDeepStrictEqual(after, pod) ? "ALREADY_INJECTED" : "INJECTED",
    message: sentenceOf(served),
    pod: after,
    warnings: [
      ...warnings,
      ...serverWarnings(pod, roles),
      ...injected.warnings,
      ...servedContainers(pod, injected).flatMap((each) => envFromWarnings(each, envSources)),
      ...isolationWarnings(pod, decided),
      ...dnsWarnings(pod, settings),
      ...quotaWarnings(pod, sizes),
    ],
    roles,
  };
}

/**
 * Takes podrole out of a skipped pod, such as a copy that `kubectl debug --copy-to` makes without the annotations: its
 * sidecar would get no credentials, so the pod would never start, or get them once its annotations are changed.
 */
function withoutLeftovers(skipped: Plan, pod: Pod, { region, pullSecrets }: PlanSettings): Plan {
  if (skipped.decision !== "skip" || !hasOwnParts(pod)) return skipped;
  const warnings = [...skipped.warnings, warningOf("LEFTOVERS_REMOVED", skipped.reason)];
  return { ...skipped, warnings, pod: uninject(pod, { region, pullSecrets }) };
}

function servedContainers(pod: Pod, { served }: Injected): readonly Container[] {
  return allContainers(pod).filter(({ name }) => served.has(name));
}

function sentenceOf(roles: readonly RoleDecision[]): string {
  const parts = Array.from(
    Map.groupBy(roles, roleText),
    ([role, decisions]) => `${decisions.map(({ container }) => container).join(", ")}: ${role}`,
  );
  return `podrole is injected; ${parts.join("; ")}`;
}

function refusedPlan(
  basis: Omission["basis"],
  { code, message }: Refusal,
  warnings: readonly Warning[] = [],
  roles: readonly RoleDecision[] = [],
): Plan {
  return { decision: "refuse", reason: code, basis, message, warnings, roles };
}

/** Warns about a role annotation that has no effect: the pod's SDKs would otherwise use the node's role unnoticed. */
function skipPod(basis: Omission["basis"], pod: Pod, reason: SkipReason, warnings: readonly Warning[] = []): Plan {
  const isIgnored = reason !== "MIRROR_POD" && hasRoleAnnotation(pod);
  return {
    decision: "skip",
    reason,
    basis,
    message: SKIP_REASONS[reason],
    warnings: isIgnored ? [...warnings, warningOf("ROLE_IGNORED", reason)] : warnings,
    roles: [],
  };
}
