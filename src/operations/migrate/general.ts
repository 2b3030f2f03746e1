// What changes for every pod alike, or for the cluster: said once, so that a pod's own findings stay readable.
import type { PolicySettings } from "../../policy/decide.ts";
import type { PlanSettings } from "../../injection/plan.ts";
import type { Predecessor } from "./before.ts";

/** IAM: no role allows less than this. */
const ALWAYS_ALLOWED_MS = 3_600_000;

/** One paragraph each, the subject before a colon. */
export function generalChanges(
  { name, sessionDurationMs, usualSessionName }: Predecessor,
  { policy, region }: PlanSettings,
  openMetadata: string | undefined,
): readonly string[] {
  return [
    sessionNames(name, usualSessionName, policy),
    durations(sessionDurationMs, policy.sessionDurationMs),
    `the node's role: ${name}'s agent keeps pods without a role away from it; podrole changes only the pods that it injects. Deny 169.254.169.254 by NetworkPolicy and set HttpTokens to required and HttpPutResponseHopLimit to 1 before the agent goes (docs/install.md)`,
    `metadata: ${openMetadata === undefined ? "" : `${name} lets ${openMetadata} through; `}podrole sets AWS_EC2_METADATA_DISABLED=true, ${
      region === undefined
        ? "and SDKs that find their region there need AWS_REGION or the webhook's --region"
        : `and AWS_REGION=${region} where a pod sets none`
    }`,
    "edits of a live pod: podrole gives what the pod's annotations say at each issue too, but injects at creation only; an annotation added to a running pod needs a restart",
    "a role that is not permitted: the pod is refused at its creation, with the reason, instead of running without credentials",
  ].filter((text) => text !== "");
}

function sessionNames(name: string, usual: string, { sessionName }: PolicySettings): string {
  if (sessionName.kind === "kiam") {
    const same = `kiam-${sessionName.session}`;
    return same === usual
      ? `session names: stay ${usual} (--session); without it each pod has its own in CloudTrail`
      : `session names: ${usual} becomes ${same}`;
  }
  const keep = name === "kiam" ? `; --session ${usual.replace(/^kiam-/, "")} keeps the old name` : "";
  return `session names: ${usual} becomes ${sessionName.template}: look for the old one in trust policies (sts:RoleSessionName), resource policies (aws:userid) and CloudTrail filters${keep}`;
}

function durations(before: number, after: number): string {
  if (before === after) return "";
  const minutes = (ms: number) => `${ms / 60_000} min`;
  const allowed =
    after <= ALWAYS_ALLOWED_MS ? "every IAM role allows it" : "each role's MaxSessionDuration must allow it";
  return `session duration: ${minutes(before)} becomes ${minutes(after)}; ${allowed}`;
}
