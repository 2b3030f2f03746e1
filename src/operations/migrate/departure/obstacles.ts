// What podrole (or kiam) gives a pod and the destination does not: reasons to stay, and notes about pods that can move
// (docs.aws.amazon.com/eks/latest/userguide/pod-identities.html and iam-roles-for-service-accounts.html).

import { requestedMetadata } from "../../../injection/pod-annotations.ts";
import { runsOnWindows } from "../../../injection/windows.ts";
import type { Pod } from "../../../kubernetes/objects.ts";
import { ANNOTATIONS, quoted, valueOf } from "../../../policy/annotations.ts";
import type { RoleArn } from "../../../policy/role.ts";
import { sdkAgeOf } from "../findings/sdk-versions.ts";
import type { Destination } from "./destination.ts";

/** What keeps a pod from moving, and what changes if it moves. */
export interface Obstacles {
  /** The pod cannot move if there is any. */
  readonly reasons: readonly string[];
  /** What differs for a pod that can move. */
  readonly notes: readonly string[];
}

/** `withoutRole`: the pod's containers that have no role. */
export function obstaclesOf(
  pod: Pod,
  role: RoleArn,
  withoutRole: readonly string[],
  destination: Destination,
): Obstacles {
  const annotations = pod.metadata.annotations ?? {};
  const has = (name: string) => valueOf(annotations, name) !== undefined;
  const own = destination.to === "irsa" ? irsaObstacles(role, destination) : podIdentity(pod, role, destination);
  const restrictions = [ANNOTATIONS.sessionPolicy, ANNOTATIONS.sessionPolicyArns].filter(has);
  return {
    reasons: [
      ...restrictions.map((name) => `${name} restricts its sessions: ${RESTRICTED_SESSION_TEXTS[destination.to]}`),
      ...(has(ANNOTATIONS.externalId)
        ? [`it sends an external ID, which ${DESTINATION_ABBREVIATIONS[destination.to]} cannot send`]
        : []),
      ...own.reasons,
    ],
    notes: [
      ...(has(ANNOTATIONS.sessionName) ? [SESSION_NAME_TEXTS[destination.to]] : []),
      ...(has(ANNOTATIONS.sessionDuration) ? [`${ANNOTATIONS.sessionDuration} has no equivalent`] : []),
      ...(requestedMetadata(annotations) !== "off"
        ? ["it uses podrole's metadata paths: its SDK must get credentials and region another way"]
        : []),
      ...(withoutRole.length > 0
        ? [`add the pod annotation eks.amazonaws.com/skip-containers: ${quoted(withoutRole.join(","))}`]
        : []),
      ...own.notes,
    ],
  };
}

const DESTINATION_ABBREVIATIONS = { irsa: "IRSA", "pod-identity": "Pod Identity" } as const;

const RESTRICTED_SESSION_TEXTS = {
  irsa: "IRSA has no session policies",
  "pod-identity": "an association's --policy applies to all pods of the ServiceAccount",
} as const;

const SESSION_NAME_TEXTS = {
  irsa: "to keep its session name, set AWS_ROLE_SESSION_NAME in the container",
  "pod-identity": "its session name cannot be chosen and changes with each renewal",
} as const;

function irsaObstacles({ accountId }: RoleArn, { account }: { readonly account: string | undefined }): Obstacles {
  const isForeign = account !== undefined && accountId !== account;
  return {
    reasons: [],
    notes: isForeign ? [`its role is in account ${accountId}: the OIDC provider must be created there as well`] : [],
  };
}

function podIdentity(pod: Pod, role: RoleArn, { account }: { readonly account: string }): Obstacles {
  const { metadata, spec } = pod;
  const isFargate =
    metadata.labels?.["eks.amazonaws.com/fargate-profile"] !== undefined ||
    spec["schedulerName"] === "fargate-scheduler" ||
    spec.nodeName?.startsWith("fargate-") === true;
  const sdk = sdkAgeOf(pod);
  return {
    reasons: [
      ...(isFargate ? ["it runs on Fargate, which has no Pod Identity agent"] : []),
      ...(runsOnWindows(pod) ? ["it runs on Windows, which has no Pod Identity agent"] : []),
      ...(role.partition === "aws-cn" ? ["Pod Identity is not available in AWS China regions"] : []),
      ...(role.accountId === account
        ? []
        : [
            `its role is in account ${role.accountId}: an association needs a role in this account that assumes it (--target-role-arn)`,
          ]),
      ...(sdk.age === "old"
        ? [`${sdk.tool} ${sdk.version} is too old for Pod Identity; ${sdk.since} is new enough`]
        : []),
    ],
    notes: spec.hostNetwork === true ? ["it uses its node's network: test it with Pod Identity first"] : [],
  };
}
