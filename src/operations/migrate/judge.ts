// One pod, before and after: what the old system gives it by its model, what podrole will do by the webhook's own
// plan(), and what a person should know about the difference. Pure.
import type { Pod } from "../../kubernetes/objects.ts";
import { LABELS } from "../../policy/annotations.ts";
import { type AssumeRoleInput, assumeRoleInput } from "../../policy/decide.ts";
import { podFacts } from "../../policy/facts.ts";
import { type PlanSettings, plan } from "../../injection/plan.ts";
import { isMarked } from "../../injection/reserved.ts";
import type { Before } from "./before.ts";
import type { After, JudgeContext } from "./context.ts";
import { type Finding, type Verdict, verdictOf } from "./findings.ts";
import type { Inventory, NamespaceFacts, Workload } from "./inventory.ts";
import { outcomeFindings } from "./outcome.ts";
import { type SdkAge, sdkAgeOf } from "./sdk-hints.ts";
import { surroundingFindings } from "./surroundings.ts";

export interface Judgement {
  readonly before: Before;
  readonly after: After;
  readonly findings: readonly Finding[];
  readonly verdict: Verdict;
  /** False: neither system gives it a role, and nothing was asked for. */
  readonly namesRole: boolean;
  readonly sdk: SdkAge;
  /** It runs with podrole today: an earlier wave's. */
  readonly isMoved: boolean;
}

export function judge(pod: Pod, workload: Workload, context: JudgeContext): Judgement {
  const { predecessor, settings, inventory } = context;
  const namespace = inventory.namespaces.get(workload.namespace) as NamespaceFacts;
  const before = predecessor.judge(pod, namespace);
  const after = planFor(pod, namespace, inventory, settings);
  const namesRole = before.kind !== "none" || after.plan.roles.length > 0 || after.plan.decision === "refuse";
  const sdk = sdkAgeOf(pod);
  const findings = [
    ...outcomeFindings(before, after, predecessor),
    ...(namesRole ? surroundingFindings(pod, workload, { before, after, sdk }, context) : []),
  ];
  return { before, after, findings, verdict: verdictOf(findings), namesRole, sdk, isMoved: isMarked(pod) };
}

/** As the webhook will see the pod once its namespace is labelled. */
function planFor(pod: Pod, namespace: NamespaceFacts, inventory: Inventory, settings: PlanSettings): After {
  const account = pod.spec.serviceAccountName || "default";
  const planned = plan(
    {
      pod,
      namespace: { ...namespace, labels: { ...namespace.labels, [LABELS.inject]: "enabled" } },
      serviceAccountAnnotations: inventory.serviceAccounts.get(`${namespace.name}/${account}`) ?? {},
    },
    settings,
  );
  const facts = podFacts(pod, namespace.name);
  const sessions = planned.roles.flatMap((decision): [string, AssumeRoleInput][] => {
    if (planned.decision !== "inject" || !decision.allowed) return [];
    const input = assumeRoleInput(facts, decision.role, settings.policy, "unread");
    return "code" in input ? [] : [[decision.container, input]];
  });
  return { plan: planned, sessions: new Map(sessions) };
}
