// Who gets which role, before and after: the findings that decide whether a pod may move as it is.
import { ANNOTATIONS } from "../../policy/annotations.ts";
import { SKIP_REASONS, type SkipReason } from "../../injection/skip-reasons.ts";
import type { Plan } from "../../injection/plan.ts";
import type { Before, Predecessor } from "./before.ts";
import type { After } from "./context.ts";
import type { Finding, FindingId } from "./findings.ts";

export function outcomeFindings(before: Before, after: After, { name: old }: Predecessor): readonly Finding[] {
  return [...crash(before, old), ...decision(before, after, old), ...session(before, after)];
}

function crash(before: Before, old: string): readonly Finding[] {
  if (before.kind !== "crash") return [];
  return [{ id: "crashed-kiam", weight: "note", text: `every ${old} server crashes over this pod: ${before.why}` }];
}

function decision(before: Before, { plan, sessions }: After, old: string): readonly Finding[] {
  switch (plan.decision) {
    case "refuse":
      return [refused(before, plan.reason, plan.message, old)];
    case "skip":
      return skipped(before, plan.reason as SkipReason, old);
    case "inject":
      return given(before, plan, [...new Set([...sessions.values()].map(({ roleArn }) => roleArn))], old);
  }
}

function refused(before: Before, code: string, message: string, old: string): Finding {
  const today = before.kind === "given" ? `${old} gives it the role` : `with ${old} it runs without credentials`;
  return {
    id: "refused",
    weight: "refused",
    text: `${code}: ${message} (today ${today})`,
    todo:
      before.kind === "given"
        ? "permit the role on the namespace (see Namespaces), or mend the annotation"
        : "take the role annotation off, or mend it: it has no effect today",
  };
}

/** Reasons of the webhook to leave a pod alone, and what one can do about each. */
const SKIPPED: Partial<Record<SkipReason, { readonly id: FindingId; readonly todo: string }>> = {
  HOST_NETWORK: {
    id: "host-network",
    todo: "take hostNetwork off, or give it credentials in another way (a node role of its own, IRSA, Roles Anywhere)",
  },
  WINDOWS: { id: "windows", todo: "leave it with the old system, or give it credentials in another way (IRSA)" },
  SYSTEM_NAMESPACE: { id: "place", todo: "move it to a namespace of its own, or give it credentials in another way" },
  INJECTION_DISABLED: { id: "opted-out", todo: "take podrole.io/inject: disabled off" },
  MIRROR_POD: { id: "static-pod", todo: "its node's file decides: give the node's role what it needs" },
};

function skipped(before: Before, reason: SkipReason, old: string): readonly Finding[] {
  if (before.kind === "none") return [];
  const { id, todo } = SKIPPED[reason] ?? { id: "loses-role" as const, todo: "name a role that podrole reads" };
  const rare = reason === "HOST_NETWORK" ? `; ${old} serves it only while no other pod has its node's address` : "";
  const text = `${SKIP_REASONS[reason]}: podrole gives it nothing${rare}`;
  // A pod that has nothing today loses nothing.
  if (before.kind !== "given") return [{ id, weight: "note", text: `${text}, and ${old} gives it nothing today` }];
  return [{ id, weight: "work", text, todo }];
}

function given(before: Before, { roles }: Plan, arns: readonly string[], old: string): readonly Finding[] {
  const now = arns.join(", ");
  switch (before.kind) {
    case "given": {
      if (arns.length === 1 && arns[0] === before.arn) return [];
      const text = `role ${before.arn} becomes ${now}`;
      // Roles of single containers are meant to differ: the old systems never read them.
      if (roles.some(({ origin }) => origin === "container")) return [{ id: "role-differs", weight: "change", text }];
      const todo = `name the role as both read it: ${ANNOTATIONS.role}: ${before.arn}`;
      return [{ id: "role-differs", weight: "work", text, todo }];
    }
    case "none":
      return [{ id: "gets-role", weight: "change", text: `it has no role from ${old} and gets ${now}` }];
    case "denied":
      return [{ id: "gets-role", weight: "change", text: `${old} ${before.why}, podrole gives ${now}` }];
    case "crash":
      return [{ id: "gets-role", weight: "change", text: `it gets ${now}` }];
  }
}

/** Of pods that name their sessions: the general rule is told once, for all. */
function session(before: Before, { plan, sessions }: After): readonly Finding[] {
  const [first] = sessions.values();
  if (before.kind !== "given" || plan.decision !== "inject" || !first) return [];
  const findings: Finding[] = [];
  const isNamed = plan.pod.metadata.annotations?.[ANNOTATIONS.sessionName];
  if (isNamed && first.sessionName !== before.sessionName) {
    findings.push({
      id: "session-name",
      weight: "change",
      text: `sessions named ${before.sessionName} become ${first.sessionName}`,
      todo: "look for the name in trust policies (sts:RoleSessionName), bucket policies (aws:userid) and CloudTrail filters",
    });
  }
  if (first.externalId !== before.externalId) {
    findings.push({ id: "external-id", weight: "change", text: "the external id that STS is told differs" });
  }
  return findings;
}
