// podrole aws policy and podrole aws trust. Exit codes: 0 done, 1 a pod names a role that podrole refuses, 2 usage, or
// the cluster cannot be reached.
import { callerPolicies, serverTrust } from "../../operations/aws/policies.ts";
import { readAwsUse } from "../../operations/aws/used-roles.ts";
import { readAws } from "../arguments/aws.ts";
import { withPodrole } from "../cluster.ts";
import { callerPoliciesText, serverTrustText } from "../output/aws.ts";
import { jsonText } from "../output/text.ts";
import { type Action, writeNote, writeProblems } from "../terminal.ts";

/** Runs podrole aws; the first argument is the kind of policies. */
export const awsAction: Action = async (terminal, flags, [kind = ""]) => {
  const command = `aws ${kind}`;
  const read = readAws(flags);
  if (!read.ok) return writeProblems(terminal, command, read.problems);
  const { connection, podroleNamespace, roleBaseArn, principal, json } = read.value;
  const place = { connection, podroleNamespace, namespace: undefined };
  return withPodrole(terminal, command, place, async (kubernetes, namespace) => {
    const use = await readAwsUse({ kubernetes }, { podroleNamespace: namespace, roleBaseArn });
    if (!use.ok) return writeProblems(terminal, command, [use.problem]);
    const { roles, refusals } = use.value;
    for (const refusal of refusals) writeNote(terminal, command, refusal);
    if (principal === undefined) {
      const policies = callerPolicies(roles);
      terminal.out(json ? jsonText({ policies, refusals }) : callerPoliciesText(policies));
    } else {
      const trustPolicies = serverTrust(roles, principal);
      terminal.out(json ? jsonText({ trustPolicies, refusals }) : serverTrustText(trustPolicies));
    }
    return refusals.length === 0 ? 0 : 1;
  });
};
