// Which AWS accounts roles are in, beside that of podrole's server: in another account, both sides have to allow the
// call. Pure.
import { parseRoleArn } from "../policy/role.ts";
import type { ServerReplica } from "../protocol/state/model.ts";

/** Returns the account of the server's own identity; undefined if no replica knows it, or if they differ. */
export function serverAccountOf(replicas: readonly Pick<ServerReplica, "account">[]): string | undefined {
  const accounts = new Set(replicas.flatMap(({ account }) => account ?? []));
  const [account] = accounts;
  return accounts.size === 1 ? account : undefined;
}

/**
 * Returns in which accounts the roles (ARNs; other texts are left out) and the server are; undefined without a role, or
 * if the server's account is unknown: the ARNs show the others.
 */
export function accountsText(roles: readonly string[], serverAccount: string | undefined): string | undefined {
  const arns = [...new Set(roles)].flatMap((role) => parseRoleArn(role) ?? []);
  const accounts = Map.groupBy(arns, ({ accountId }) => accountId);
  const [first] = accounts.keys();
  if (first === undefined || serverAccount === undefined) return undefined;
  const subject = arns.length === 1 ? "the role is" : "the roles are";
  if (accounts.size === 1 && first === serverAccount) {
    return `AWS account: ${subject} in ${first}, and so is podrole's server`;
  }
  const counted = Array.from(accounts, ([account, some]) =>
    accounts.size === 1 ? account : `${account} (${some.length})`,
  );
  return `AWS accounts: ${subject} in ${counted.join(", ")}, and podrole's server is in ${serverAccount}: ${BOTH_SIDES}`;
}

/** (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html) */
const BOTH_SIDES =
  "for a role of another account, its trust policy and the policies of the server both have to allow sts:AssumeRole";
