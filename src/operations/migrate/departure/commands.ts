// Shell commands that give ServiceAccounts their roles. They are printed, never run.
import { shellQuote } from "../commands.ts";
import type { Destination } from "./destination.ts";
import type { Move } from "./moves.ts";
import type { TrustPolicy } from "./trust.ts";

export function roleCommand({ namespace, serviceAccount, role }: Move, destination: Destination): string {
  if (destination.to === "irsa") {
    const annotation = shellQuote(`eks.amazonaws.com/role-arn=${role.arn}`);
    return `kubectl annotate serviceaccount -n ${shellQuote(namespace)} ${shellQuote(serviceAccount)} ${annotation}`;
  }
  const { clusterName, region } = destination;
  const args = [
    ...["--cluster-name", clusterName, "--namespace", namespace, "--service-account", serviceAccount],
    ...["--role-arn", role.arn],
    ...(region === undefined ? [] : ["--region", region]),
  ];
  return `aws eks create-pod-identity-association ${args.map(shellQuote).join(" ")}`;
}

export function trustCommand({ roleName, document }: TrustPolicy): string {
  const policy = shellQuote(JSON.stringify(document));
  return `aws iam update-assume-role-policy --role-name ${shellQuote(roleName)} --policy-document ${policy}`;
}
