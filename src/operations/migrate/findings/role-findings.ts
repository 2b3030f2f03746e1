// Findings about the role of a pod: what it gets before and after, and whether it can move as it is.

import type { Plan } from "../../../injection/plan.ts";
import { SKIP_REASONS, type SkipReason } from "../../../injection/skip-reasons.ts";
import { ANNOTATIONS } from "../../../policy/annotations.ts";
import type { Predecessor, PredecessorOutcome } from "../predecessor/predecessor.ts";
import type { FindingId, MigrationFinding } from "./finding.ts";
import type { PodroleOutcome } from "./pod-assessment.ts";

/** Returns the findings about role, session name and external ID. */
export function roleFindings(
  before: PredecessorOutcome,
  after: PodroleOutcome,
  { name: old }: Predecessor,
): readonly MigrationFinding[] {
  return [...crashFindings(before, old), ...decisionFindings(before, after, old), ...sessionFindings(before, after)];
}

function crashFindings(before: PredecessorOutcome, old: string): readonly MigrationFinding[] {
  if (before.kind !== "crash") return [];
  return [{ id: "crashed-kiam", weight: "note", text: `this pod crashes every ${old} server: ${before.why}` }];
}

function decisionFindings(
  before: PredecessorOutcome,
  { plan, sessions }: PodroleOutcome,
  old: string,
): readonly MigrationFinding[] {
  switch (plan.decision) {
    case "refuse":
      return [refusalFinding(before, plan.reason, plan.message, old)];
    case "skip":
      return skippedPodFindings(before, plan.reason, old);
    case "inject":
      return grantedPodFindings(before, plan, [...new Set([...sessions.values()].map(({ roleArn }) => roleArn))], old);
  }
}

function refusalFinding(before: PredecessorOutcome, code: string, message: string, old: string): MigrationFinding {
  const today = before.kind === "granted" ? `${old} grants the role` : `it gets no credentials from ${old}`;
  return {
    id: "refused",
    weight: "refused",
    text: `${code}: ${message} (today ${today})`,
    todo:
      before.kind === "granted"
        ? "permit the role on the namespace (see Namespaces), or correct the annotation"
        : "remove the role annotation, which has no effect today, or correct it",
  };
}

/** Why the webhook skips a pod, and what an operator can do about it. */
const SKIP_FINDINGS: Partial<Record<SkipReason, { readonly id: FindingId; readonly todo: string }>> = {
  HOST_NETWORK: {
    id: "host-network",
    todo: "remove hostNetwork, or provide credentials another way (a dedicated node role, IRSA, Roles Anywhere)",
  },
  WINDOWS: { id: "windows", todo: "leave it with the old system, or provide credentials another way (IRSA)" },
  SYSTEM_NAMESPACE: { id: "place", todo: "move it to another namespace, or provide credentials another way" },
  INJECTION_DISABLED: { id: "opted-out", todo: "remove the annotation podrole.io/inject: disabled" },
  MIRROR_POD: {
    id: "static-pod",
    todo: "only the manifest on its node can change it: give the node's role the permissions that it needs",
  },
};

function skippedPodFindings(before: PredecessorOutcome, reason: SkipReason, old: string): readonly MigrationFinding[] {
  if (before.kind === "none") return [];
  const { id, todo } = SKIP_FINDINGS[reason] ?? {
    id: "loses-role" as const,
    todo: "name a role where podrole reads it",
  };
  const rare = reason === "HOST_NETWORK" ? `; ${old} serves it only while no other pod has its node's address` : "";
  const text = `${SKIP_REASONS[reason]}, so podrole provides no credentials${rare}`;
  // A pod without credentials today loses nothing.
  if (before.kind !== "granted") return [{ id, weight: "note", text: `${text}; neither does ${old} today` }];
  return [{ id, weight: "work", text, todo }];
}

function grantedPodFindings(
  before: PredecessorOutcome,
  { roles }: Plan,
  arns: readonly string[],
  old: string,
): readonly MigrationFinding[] {
  const now = arns.join(", ");
  switch (before.kind) {
    case "granted": {
      if (arns.length === 1 && arns[0] === before.arn) return [];
      const text = `role ${before.arn} becomes ${now}`;
      // A container's own role is meant to differ: kiam and kube2iam have no roles of single containers.
      if (roles.some(({ origin }) => origin === "container")) return [{ id: "role-differs", weight: "change", text }];
      const todo = `write the role as both systems resolve it: ${ANNOTATIONS.role}: ${before.arn}`;
      return [{ id: "role-differs", weight: "work", text, todo }];
    }
    case "none":
      return [{ id: "gets-role", weight: "change", text: `it has no role from ${old} and gets ${now}` }];
    case "denied":
      return [
        {
          id: "gets-role",
          weight: "change",
          text: `it gets no credentials from ${old} (${before.why}) and gets ${now}`,
        },
      ];
    case "crash":
      return [{ id: "gets-role", weight: "change", text: `it gets ${now}` }];
  }
}

/** Only for pods that name their sessions: the change for all others is reported once. */
function sessionFindings(before: PredecessorOutcome, { plan, sessions }: PodroleOutcome): readonly MigrationFinding[] {
  const [first] = sessions.values();
  if (before.kind !== "granted" || plan.decision !== "inject" || !first) return [];
  const findings: MigrationFinding[] = [];
  const isNamed = plan.pod.metadata.annotations?.[ANNOTATIONS.sessionName];
  if (isNamed && first.sessionName !== before.sessionName) {
    findings.push({
      id: "session-name",
      weight: "change",
      text: `session name ${before.sessionName} becomes ${first.sessionName}`,
      todo: "check trust policies (sts:RoleSessionName), bucket policies (aws:userid) and CloudTrail filters for the old name",
    });
  }
  if (first.externalId !== before.externalId) {
    findings.push({ id: "external-id", weight: "change", text: "the external ID that is sent to STS differs" });
  }
  return findings;
}
