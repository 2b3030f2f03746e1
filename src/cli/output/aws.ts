// Policies in AWS as text or JSON.
import type { CallerPolicy } from "../../operations/aws/policies.ts";
import { MAX_TRUST_POLICY_LENGTH, type TrustPolicy } from "../../operations/migrate/departure/trust.ts";
import { trustCommand } from "../../operations/migrate/shell-commands.ts";
import { escapeControls } from "./text.ts";

/** Returns each policy below a line that names its principal. */
export function callerPoliciesText(policies: readonly CallerPolicy[]): string {
  return policies
    .map(({ caller, document }) => {
      const whose = caller === undefined ? "podrole's server" : caller;
      return `# Policy of ${escapeControls(whose)}\n${JSON.stringify(document, undefined, 2)}\n`;
    })
    .join("\n");
}

/** Returns a command for each role, which replaces its whole trust policy. */
export function serverTrustText(policies: readonly TrustPolicy[]): string {
  const head = [
    "# Each command replaces the whole trust policy of a role: first add the role's existing statements to the document.",
  ];
  const lines = policies.flatMap((policy) => {
    const { roleArn, length } = policy;
    const limit = `IAM's limit is ${MAX_TRUST_POLICY_LENGTH} characters unless you raise the quota`;
    const note = length > MAX_TRUST_POLICY_LENGTH ? `: ${length} characters; ${limit}` : "";
    return [`# ${roleArn}${note}`, trustCommand(policy)];
  });
  return [...head, ...lines, ""].map(escapeControls).join("\n");
}
