// What happens to a pod, step by step: check its shape → may it be injected → may it have its roles → are podrole's names
// free → build the injected pod. Pure: no clock, no network, no process. Used by the webhook and the command line.
import { isDeepStrictEqual } from "node:util";
import type { Pod } from "../kubernetes/objects.ts";
import type { PolicySettings, RoleDecision } from "../policy/decide.ts";
import { type ErrorCode, type Refusal, refuse } from "../protocol/errors.ts";
import { type InjectSettings, inject } from "./inject.ts";
import { isolationWarnings } from "./isolation.ts";
import { hasRoleAnnotation, refuseSwitches, warnAboutNames } from "./pod-annotations.ts";
import { isInjected } from "./parts.ts";
import { refuseReservedNames } from "./reserved.ts";
import { decidePodRoles, roleText, serverWarnings } from "./roles.ts";
import { findShapeProblem } from "./shape.ts";
import { SKIP_REASONS, type SkipReason, skipReasonOfNamespace, skipReasonOfPod } from "./skip-reasons.ts";
import { type Warning, warningOf } from "./warnings.ts";

/** Settings of a plan: those of injection, and the policy that decides about roles. */
export interface PlanSettings extends InjectSettings {
  /** Namespaces that are never injected, in addition to Kubernetes' own: podrole's. */
  readonly excludedNamespaces: readonly string[];
  readonly policy: PolicySettings;
}

/** A pod and everything outside it that the decision reads. */
export interface PlanInput {
  /** May be any JSON value at run time: one that is not a pod is refused. */
  readonly pod: Pod;
  readonly namespace: {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
    readonly annotations: Readonly<Record<string, string>>;
  };
  readonly serviceAccountAnnotations: Readonly<Record<string, string>>;
}

/** The decision about a pod, with its reason and the resulting pod. */
export type Plan = PlanResult &
  (
    | { readonly decision: "inject"; readonly reason: "INJECTED" | "ALREADY_INJECTED" }
    | { readonly decision: "skip"; readonly reason: SkipReason }
    | { readonly decision: "refuse"; readonly reason: ErrorCode }
  );

interface PlanResult {
  /** The decision in one sentence, for people. */
  readonly message: string;
  /** The injected pod; the given pod itself for every other decision. */
  readonly pod: Pod;
  /** kubectl prints their texts, each after "Warning:". */
  readonly warnings: readonly Warning[];
  readonly roles: readonly RoleDecision[];
}

/** Never throws and never changes its input. plan(plan(pod).pod) returns the same pod, with ALREADY_INJECTED. */
export function plan({ pod, namespace, serviceAccountAnnotations }: PlanInput, settings: PlanSettings): Plan {
  const problem = findShapeProblem(pod);
  if (problem !== undefined) {
    return refused(pod, refuse("REQUEST_INVALID", `Cannot read the pod: ${problem}`));
  }
  const placeReason = skipReasonOfNamespace(namespace, settings.excludedNamespaces);
  if (placeReason !== undefined) return skipped(pod, placeReason, []);

  const warnings = warnAboutNames(pod);
  const invalid = refuseSwitches(pod);
  if (invalid) return refused(pod, invalid, warnings);
  const podReason = skipReasonOfPod(pod);
  if (podReason !== undefined) return skipped(pod, podReason, warnings);

  const inherited = { namespaceAnnotations: namespace.annotations, serviceAccountAnnotations };
  const decided = decidePodRoles(pod, namespace.name, inherited, settings.policy);
  const { roles, withoutRole } = decided;
  if (decided.refusal) return refused(pod, decided.refusal, warnings, roles);
  if (roles.length === 0) return skipped(pod, hasRoleAnnotation(pod) ? "NO_CONTAINER" : "NO_ROLE", warnings);
  const reserved = refuseReservedNames(pod, settings);
  if (reserved) return refused(pod, reserved, warnings, roles);

  const withRole = roles.map(({ container }) => container);
  const injected = inject(pod, { withRole, withoutRole }, settings);
  return {
    decision: "inject",
    reason: isInjected(pod) && isDeepStrictEqual(injected.pod, pod) ? "ALREADY_INJECTED" : "INJECTED",
    message: sentenceOf(roles.filter(({ container }) => injected.served.includes(container))),
    pod: injected.pod,
    warnings: [...warnings, ...serverWarnings(pod, roles), ...injected.warnings, ...isolationWarnings(pod, decided)],
    roles,
  };
}

function sentenceOf(roles: readonly RoleDecision[]): string {
  const parts = [...new Set(roles.map(roleText))].map((role) => {
    const containers = roles.filter((decision) => roleText(decision) === role).map(({ container }) => container);
    return `${containers.join(", ")}: ${role}`;
  });
  return `podrole is injected; ${parts.join("; ")}`;
}

function refused(
  pod: Pod,
  { code, message }: Refusal,
  warnings: readonly Warning[] = [],
  roles: readonly RoleDecision[] = [],
): Plan {
  return { decision: "refuse", reason: code, message, pod, warnings, roles };
}

/** Warns about a role annotation that has no effect: the pod's SDKs would otherwise use the node's role unnoticed. */
function skipped(pod: Pod, reason: SkipReason, warnings: readonly Warning[]): Plan {
  const isIgnored = reason !== "MIRROR_POD" && hasRoleAnnotation(pod);
  return {
    decision: "skip",
    reason,
    message: SKIP_REASONS[reason],
    pod,
    warnings: isIgnored ? [...warnings, warningOf("ROLE_IGNORED", reason)] : warnings,
    roles: [],
  };
}
