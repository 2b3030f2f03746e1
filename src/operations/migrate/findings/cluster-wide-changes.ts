// Changes that affect every pod or the whole cluster: reported once, to keep the findings of single pods short.

import type { PlanSettings } from "../../../injection/plan.ts";
import type { PolicySettings } from "../../../policy/decide.ts";
import type { Predecessor } from "../predecessor/predecessor.ts";

/** The lowest MaxSessionDuration that IAM accepts, so every role allows it. */
const ALWAYS_ALLOWED_MS = 3_600_000;

/**
 * One paragraph for each change, its subject before a colon. `openMetadata`: metadata paths that the predecessor passes
 * on.
 */
export function generalChanges(
  { name, sessionDurationMs, usualSessionName }: Predecessor,
  { policy, region }: PlanSettings,
  openMetadata: string | undefined,
): readonly string[] {
  return [
    sessionNames(name, usualSessionName, policy),
    describeDurations(sessionDurationMs, policy.sessionDurationMs),
    `the node's role: ${name}'s agent shields it from all pods; podrole changes only the pods that it injects. Before you remove the agent, deny 169.254.169.254 by NetworkPolicy and set HttpTokens to required and HttpPutResponseHopLimit to 1 (docs/install.md)`,
    `metadata: ${openMetadata === undefined ? "" : `${name} passes ${openMetadata} on; `}podrole sets AWS_EC2_METADATA_DISABLED=true, ${
      region === undefined
        ? "so SDKs that read their region from instance metadata need AWS_REGION or the webhook's --region"
        : `and AWS_REGION=${region} where a pod sets none`
    }`,
    "edits of a live pod: as today, each issuance of credentials follows the pod's current annotations; injection happens only at creation, so a first role annotation on a running pod takes effect after a restart",
    "a role that is not permitted: the creation of the pod is refused with the reason; today the pod runs without credentials",
  ].filter((text) => text !== "");
}

function sessionNames(name: string, usual: string, { sessionName }: PolicySettings): string {
  if (sessionName.kind === "kiam") {
    const same = `kiam-${sessionName.session}`;
    return same === usual
      ? `session names: ${usual} is kept (--session); without --session each pod has its own name in CloudTrail`
      : `session names: ${usual} becomes ${same}`;
  }
  const keep = name === "kiam" ? `; --session ${usual.replace(/^kiam-/, "")} keeps the old name` : "";
  return `session names: ${usual} becomes ${sessionName.template}: check trust policies (sts:RoleSessionName), resource policies (aws:userid) and CloudTrail filters for the old name${keep}`;
}

function describeDurations(before: number, after: number): string {
  if (before === after) return "";
  const minutes = (ms: number) => `${ms / 60_000} min`;
  const allowed =
    after <= ALWAYS_ALLOWED_MS ? "every IAM role allows it" : "each role's MaxSessionDuration must allow it";
  return `session duration: ${minutes(before)} becomes ${minutes(after)}; ${allowed}`;
}
