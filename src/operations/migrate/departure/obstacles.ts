// What a pod has from podrole (or kiam) and would not have there: reasons to stay, and notes for those that go.
// (docs.aws.amazon.com/eks/latest/userguide/pod-identities.html and iam-roles-for-service-accounts.html)
import type { Pod } from "../../../kubernetes/objects.ts";
import { ANNOTATIONS, quoted, valueOf } from "../../../policy/annotations.ts";
import type { RoleArn } from "../../../policy/role.ts";
import { metadataWish } from "../../../injection/pod-annotations.ts";
import { sdkAgeOf } from "../sdk-hints.ts";
import type { Destination } from "./destination.ts";

export interface Hindrances {
  /** Any one keeps the pod where it is. */
  readonly reasons: readonly string[];
  /** The pod goes, and differs. */
  readonly notes: readonly string[];
}

export function hindrancesOf(
  pod: Pod,
  role: RoleArn,
  leftOut: readonly string[],
  destination: Destination,
): Hindrances {
  const annotations = pod.metadata.annotations ?? {};
  const has = (name: string) => valueOf(annotations, name) !== undefined;
  const own = destination.to === "irsa" ? irsa(role, destination) : podIdentity(pod, role, destination);
  const narrowing = [ANNOTATIONS.sessionPolicy, ANNOTATIONS.sessionPolicyArns].filter(has);
  return {
    reasons: [
      ...narrowing.map((name) => `${name} narrows its sessions: ${NARROWED[destination.to]}`),
      ...(has(ANNOTATIONS.externalId) ? ["it sends an external id: AWS's own way sends none of yours"] : []),
      ...own.reasons,
    ],
    notes: [
      ...(has(ANNOTATIONS.sessionName) ? [SESSION_NAME[destination.to]] : []),
      ...(has(ANNOTATIONS.sessionDuration) ? [`${ANNOTATIONS.sessionDuration} has no counterpart`] : []),
      ...(metadataWish(annotations) !== "off"
        ? ["it uses podrole's metadata paths: its SDK must find credentials and region in another way"]
        : []),
      ...(leftOut.length > 0
        ? [`add the pod annotation eks.amazonaws.com/skip-containers: ${quoted(leftOut.join(","))}`]
        : []),
      ...own.notes,
    ],
  };
}

const NARROWED = {
  irsa: "IRSA has no session policies",
  "pod-identity": "an association's --policy is one for all pods of the ServiceAccount",
} as const;

const SESSION_NAME = {
  irsa: "for its session name set AWS_ROLE_SESSION_NAME in the container",
  "pod-identity": "its session name cannot be chosen, and changes with each renewal",
} as const;

function irsa({ accountId }: RoleArn, { account }: { readonly account: string | undefined }): Hindrances {
  const isForeign = account !== undefined && accountId !== account;
  return {
    reasons: [],
    notes: isForeign ? [`its role is in account ${accountId}: the OIDC provider must be made there as well`] : [],
  };
}

function podIdentity({ metadata, spec }: Pod, role: RoleArn, { account }: { readonly account: string }): Hindrances {
  const isFargate =
    metadata.labels?.["eks.amazonaws.com/fargate-profile"] !== undefined ||
    spec["schedulerName"] === "fargate-scheduler" ||
    spec.nodeName?.startsWith("fargate-") === true;
  const isWindows = spec.os?.name === "windows" || spec.nodeSelector?.["kubernetes.io/os"] === "windows";
  const sdk = sdkAgeOf({ metadata, spec });
  return {
    reasons: [
      ...(isFargate ? ["it runs on Fargate, which has no Pod Identity agent"] : []),
      ...(isWindows ? ["it runs on Windows, which has no Pod Identity agent"] : []),
      ...(role.partition === "aws-cn" ? ["Pod Identity is not to be had in China"] : []),
      ...(role.accountId === account
        ? []
        : [
            `its role is in account ${role.accountId}: an association needs a role here that assumes it (--target-role-arn)`,
          ]),
      ...(sdk.age === "old" ? [`${sdk.tool} ${sdk.version} is too old for Pod Identity, ${sdk.since} is not`] : []),
    ],
    notes: spec.hostNetwork === true ? ["it uses its node's network: try it there first"] : [],
  };
}
