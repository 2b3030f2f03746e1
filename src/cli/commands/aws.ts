// podrole aws policy and podrole aws trust. Exit codes: 0 done, 1 a pod names a role that podrole refuses, or a role in
// the file does not trust the principal, 2 usage, or the file or the cluster cannot be read.
import { type AccountDetails, parseAccountDetails } from "../../operations/aws/account-details.ts";
import { reviewTrust } from "../../operations/aws/existing-trust.ts";
import { callerPolicies, type RequiredTrust, requiredTrust, serverTrust } from "../../operations/aws/policies.ts";
import { readAwsUse } from "../../operations/aws/used-roles.ts";
import { failure, type Result, success } from "../../runtime/result.ts";
import { type AwsArguments, readAws } from "../arguments/aws.ts";
import { withPodrole } from "../cluster.ts";
import { readInput } from "../input.ts";
import { callerPoliciesText, type RoleTrustStates, serverTrustText, trustStateLines } from "../output/aws.ts";
import { callerPoliciesTerraform, serverTrustTerraform } from "../output/aws-terraform.ts";
import { jsonText } from "../output/text.ts";
import { type Action, type Terminal, writeNote, writeProblems } from "../terminal.ts";

/** Runs podrole aws; the first argument is the kind of policies. */
export const awsAction: Action = async (terminal, flags, [kind = ""]) => {
  const command = `aws ${kind}`;
  const read = readAws(flags);
  if (!read.ok) return writeProblems(terminal, command, read.problems);
  const { connection, podroleNamespace, roleBaseArn, principal, filename, format } = read.value;
  // A file is read before the cluster is contacted.
  const details = await readAccountDetails(terminal, filename);
  if (!details.ok) return writeProblems(terminal, command, [details.problem]);
  const place = { connection, podroleNamespace, namespace: undefined };
  return withPodrole(terminal, command, place, async (kubernetes, namespace) => {
    const use = await readAwsUse({ kubernetes }, { podroleNamespace: namespace, roleBaseArn });
    if (!use.ok) return writeProblems(terminal, command, [use.problem]);
    const { roles, refusals } = use.value;
    for (const refusal of refusals) writeNote(terminal, command, refusal);
    if (principal === undefined) {
      const policies = callerPolicies(roles);
      if (format === "json") terminal.out(jsonText({ policies, refusals }));
      else terminal.out(format === "terraform" ? callerPoliciesTerraform(policies) : callerPoliciesText(policies));
      return refusals.length === 0 ? 0 : 1;
    }
    const { text, isTrusted } = trustOutput(requiredTrust(roles, principal), {
      details: details.value,
      format,
      refusals,
    });
    terminal.out(text);
    return refusals.length === 0 && isTrusted ? 0 : 1;
  });
};

interface TrustOutputOptions {
  readonly details: AccountDetails | undefined;
  readonly format: AwsArguments["format"];
  readonly refusals: readonly string[];
}

/** Returns what to print, and whether no role of the details lacks the trust. */
function trustOutput(required: readonly RequiredTrust[], { details, format, refusals }: TrustOutputOptions) {
  const review = details && reviewTrust(required, details);
  const states: RoleTrustStates = review?.states ?? [];
  const lacking = review?.lacking ?? required.map((one) => ({ required: one, existing: [] }));
  const isTrusted = states.every(({ state }) => state === "trusted");
  if (format === "terraform") {
    // Terraform combines documents itself, so each contains the new statement only.
    const trustPolicies = lacking.map((one) => serverTrust(one.required));
    return { text: [...trustStateLines(states), serverTrustTerraform(trustPolicies)].join("\n"), isTrusted };
  }
  const trustPolicies = lacking.map((one) => serverTrust(one.required, one.existing));
  const text =
    format === "json"
      ? jsonText({ trustPolicies, ...(review && { states }), refusals })
      : serverTrustText(trustPolicies, review?.states);
  return { text, isTrusted };
}

async function readAccountDetails(
  terminal: Terminal,
  filename: string | undefined,
): Promise<Result<AccountDetails | undefined>> {
  if (filename === undefined) return success(undefined);
  const read = await readInput(terminal, filename);
  if (!read.ok) return read;
  const details = parseAccountDetails(read.value.text);
  return details.ok ? details : failure(`--filename: ${read.value.origin} ${details.problem}`);
}
