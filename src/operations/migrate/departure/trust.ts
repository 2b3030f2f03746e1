// Trust policies that allow ServiceAccounts to assume their roles, as narrow as each mechanism allows: exact subjects,
// no wildcards.
import type { RoleArn } from "../../../policy/role.ts";
import type { Destination, EksPodIdentity, Irsa } from "./destination.ts";
import type { RoleMove } from "./moves.ts";

/** A policy of IAM. (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html) */
export interface PolicyDocument {
  readonly Version: "2012-10-17";
  readonly Statement: readonly object[];
}

/** The trust policy of one role. */
export interface TrustPolicy {
  readonly roleArn: string;
  readonly roleName: string;
  readonly document: PolicyDocument;
  /** Characters of the document without whitespace, as IAM counts them. */
  readonly length: number;
}

/** IAM's default quota for the length of a trust policy, in characters; it can be raised to 4096. */
export const MAX_TRUST_POLICY_LENGTH = 2_048;

/** One policy for each role, in the order of the moves. */
export function trustPolicies(moves: readonly RoleMove[], destination: Destination): readonly TrustPolicy[] {
  const byRole = Map.groupBy(moves, ({ role }) => role.arn);
  return [...byRole.values()].map((users) => {
    const [{ role }] = users as [RoleMove];
    const statements =
      destination.to === "irsa" ? irsaStatements(users, destination) : identityStatements(users, destination);
    return trustPolicyOf(role, statements);
  });
}

/** Returns the trust policy of a role with these statements. */
export function trustPolicyOf({ arn: roleArn, name: roleName }: RoleArn, statements: readonly object[]): TrustPolicy {
  const document = { Version: "2012-10-17" as const, Statement: statements };
  return { roleArn, roleName, document, length: JSON.stringify(document).length };
}

/** https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html */
function irsaStatements(users: readonly RoleMove[], { issuer }: Irsa): readonly object[] {
  const [{ role }] = users as [RoleMove];
  const subjects = users.map(({ namespace, serviceAccount }) => `system:serviceaccount:${namespace}:${serviceAccount}`);
  return [
    {
      Effect: "Allow",
      Principal: { Federated: `arn:${role.partition}:iam::${role.accountId}:oidc-provider/${issuer}` },
      Action: "sts:AssumeRoleWithWebIdentity",
      Condition: {
        StringEquals: { [`${issuer}:aud`]: "sts.amazonaws.com", [`${issuer}:sub`]: oneOrAll(subjects.toSorted()) },
      },
    },
  ];
}

/**
 * One statement for each namespace: lists of namespaces and ServiceAccounts in one statement would allow every
 * combination. Pod Identity sets these session tags; an association with --disable-session-tags would not match.
 * (https://docs.aws.amazon.com/eks/latest/userguide/pod-id-abac.html)
 */
function identityStatements(users: readonly RoleMove[], { clusterName }: EksPodIdentity): readonly object[] {
  return [...Map.groupBy(users, ({ namespace }) => namespace)].map(([namespace, members]) => ({
    Effect: "Allow",
    Principal: { Service: "pods.eks.amazonaws.com" },
    Action: ["sts:AssumeRole", "sts:TagSession"],
    Condition: {
      StringEquals: {
        "aws:RequestTag/eks-cluster-name": clusterName,
        "aws:RequestTag/kubernetes-namespace": namespace,
        "aws:RequestTag/kubernetes-service-account": oneOrAll(members.map((each) => each.serviceAccount).toSorted()),
      },
    },
  }));
}

/** Returns a single text as policies usually write it, without a list. */
export function oneOrAll(texts: readonly string[]): string | readonly string[] {
  const [first, ...rest] = texts;
  return first !== undefined && rest.length === 0 ? first : texts;
}
