// Policies in AWS as text, and what a review of trust policies found.
import type { TrustReview } from "../../operations/aws/existing-trust.ts";
import type { CallerPolicy } from "../../operations/aws/policies.ts";
import { MAX_TRUST_POLICY_LENGTH, type TrustPolicy } from "../../operations/migrate/departure/trust.ts";
import { shellCommentText, trustCommand } from "../../operations/migrate/shell-commands.ts";
import { escapeControls } from "./text.ts";

/** What a review found about each role. */
export type RoleTrustStates = TrustReview["states"];

/** Returns each policy below a line that names its principal. */
export function callerPoliciesText(policies: readonly CallerPolicy[]): string {
  return policies
    .map(({ caller, document }) => {
      const whose = caller === undefined ? "podrole's server" : shellCommentText(caller);
      return `# Policy of ${whose}\n${JSON.stringify(document, undefined, 2)}\n`;
    })
    .join("\n");
}

/**
 * Returns a command for each role, which replaces its whole trust policy. `states`: what a review of the existing trust
 * policies found; then each document contains the existing statements.
 */
export function serverTrustText(policies: readonly TrustPolicy[], states?: RoleTrustStates): string {
  const head =
    states === undefined
      ? "# Each command replaces the whole trust policy of a role: first add the existing statements of the role to the document."
      : "# Each command replaces the whole trust policy of a role by its existing statements and a new one.";
  const lines = policies.flatMap((policy) => [
    `# ${shellCommentText(policy.roleArn)}${lengthNote(policy)}`,
    trustCommand(policy),
  ]);
  const isWithHead = states === undefined || policies.length > 0;
  return [...trustStateLines(states ?? []), ...(isWithHead ? [head] : []), ...lines, ""].map(escapeControls).join("\n");
}

/** Returns what stands behind the ARN of a role whose trust policy is longer than IAM accepts; otherwise nothing. */
export function lengthNote({ length }: TrustPolicy): string {
  const limit = `the limit of IAM is ${MAX_TRUST_POLICY_LENGTH} characters unless you raise the quota`;
  return length > MAX_TRUST_POLICY_LENGTH ? `: ${length} characters; ${limit}` : "";
}

/** Returns a comment line for each role of a review. */
export function trustStateLines(states: RoleTrustStates): readonly string[] {
  return states.map((one) => escapeControls(`# ${shellCommentText(one.roleArn)}: ${describeTrustState(one)}`));
}

function describeTrustState(one: RoleTrustStates[number]): string {
  switch (one.state) {
    case "trusted":
      return "its trust policy allows the principal";
    case "missing":
      return `its trust policy does not allow ${one.actions.join(", ")}`;
    case "unclear":
      return `its trust policy may not allow the principal: ${one.reason}`;
    case "absent":
      return "the account has no such role";
    case "unlisted":
      return "unknown; the file has no role of this account";
  }
}
