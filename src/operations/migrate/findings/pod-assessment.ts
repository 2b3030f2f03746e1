// One pod before and after the migration: what the predecessor gives it by its model, what podrole will do by the
// webhook's own plan(), and the findings about the difference. Pure.

import { isInjected } from "../../../injection/parts.ts";
import { type Plan, type PlanSettings, plan } from "../../../injection/plan.ts";
import type { Pod } from "../../../kubernetes/objects.ts";
import { INJECT_ENABLED, LABELS } from "../../../policy/annotations.ts";
import { type AssumeRoleInput, assumeRoleInput } from "../../../policy/decide.ts";
import { podFacts, serviceAccountOf } from "../../../policy/facts.ts";
import { isRefusal } from "../../../protocol/errors.ts";
import type { Inventory, NamespaceFacts, Workload } from "../input/inventory.ts";
import type { Predecessor, PredecessorOutcome } from "../predecessor/predecessor.ts";
import { type MigrationFinding, type PodVerdict, verdictOf } from "./finding.ts";
import { podFindings } from "./pod-findings.ts";
import { roleFindings } from "./role-findings.ts";
import { type SdkAge, sdkAgeOf } from "./sdk-versions.ts";

/** Input of every assessment, in addition to the pod. */
export interface AssessContext {
  readonly predecessor: Predecessor;
  /** podrole's settings after the migration. */
  readonly settings: PlanSettings;
  readonly inventory: Inventory;
}

/** What podrole will do with a pod. */
export interface PodroleOutcome {
  readonly plan: Plan;
  /** What is sent to STS, by container; empty unless the pod is injected. */
  readonly sessions: ReadonlyMap<string, AssumeRoleInput>;
}

/** One pod before and after. */
export interface Assessment {
  readonly before: PredecessorOutcome;
  readonly after: PodroleOutcome;
  readonly findings: readonly MigrationFinding[];
  readonly verdict: PodVerdict;
  /** False if neither system gives it a role and none is requested. */
  readonly namesRole: boolean;
  readonly sdk: SdkAge;
  /** True if the pod is injected already, by an earlier wave. */
  readonly isMoved: boolean;
}

/** Assesses one pod of a workload; a template stands for its future pods. */
export function assessPod(pod: Pod, workload: Workload, context: AssessContext): Assessment {
  const { predecessor, settings, inventory } = context;
  const namespace = inventory.namespaces.get(workload.namespace) as NamespaceFacts;
  const before = predecessor.outcomeOf(pod, namespace);
  const after = planFor(pod, namespace, inventory, settings);
  const namesRole = before.kind !== "none" || after.plan.roles.length > 0 || after.plan.decision === "refuse";
  const sdk = sdkAgeOf(pod);
  const findings = [
    ...roleFindings(before, after, predecessor),
    ...(namesRole ? podFindings(pod, workload, { before, after, sdk }, context) : []),
  ];
  return { before, after, findings, verdict: verdictOf(findings), namesRole, sdk, isMoved: isInjected(pod) };
}

/** The webhook's plan for the pod once its namespace is labelled. */
function planFor(pod: Pod, namespace: NamespaceFacts, inventory: Inventory, settings: PlanSettings): PodroleOutcome {
  const account = serviceAccountOf(pod.spec);
  const planned = plan(
    {
      pod,
      namespace: { ...namespace, labels: { ...namespace.labels, [LABELS.inject]: INJECT_ENABLED } },
      serviceAccountAnnotations: inventory.serviceAccounts.get(`${namespace.name}/${account}`) ?? {},
      envSources: inventory.envSources.get(namespace.name) ?? new Map(),
    },
    settings,
  );
  const facts = podFacts(pod, namespace.name);
  const sessions = planned.roles.flatMap((decision): [string, AssumeRoleInput][] => {
    if (planned.decision !== "inject" || decision.outcome !== "allowed") return [];
    const input = assumeRoleInput(facts, decision.role, settings.policy, "deferred");
    return isRefusal(input) ? [] : [[decision.container, input]];
  });
  return { plan: planned, sessions: new Map(sessions) };
}
