// The roles that pods of the cluster use, by podrole's own decision with the installed server's settings: what the
// policies in AWS have to allow.
import {
  type ConfigMap,
  hasFinished,
  type Namespace,
  type Pod,
  type ServiceAccount,
} from "../../kubernetes/objects.ts";
import type { OperatorKubernetes } from "../../kubernetes/operator.ts";
import { type AssumeRoleInput, assumeRoleInput, decideRoles, type PolicySettings } from "../../policy/decide.ts";
import { podFacts, serviceAccountOf } from "../../policy/facts.ts";
import type { RoleArn } from "../../policy/role.ts";
import { policySettings } from "../../policy/settings-table.ts";
import { isRefusal } from "../../protocol/errors.ts";
import { failure, type Result, success } from "../../runtime/result.ts";
import { type Deployment, readInstalled } from "../installed.ts";

/** How pods use one role. */
export interface UsedRole {
  readonly role: RoleArn;
  /** ARN of the role that assumes it (role chaining); undefined: the server's own principal. */
  readonly caller: string | undefined;
  /** Actions of STS that the caller needs, such as "sts:AssumeRole". */
  readonly actions: readonly string[];
  /** External IDs that all of its pods send; undefined if at least one pod sends none. */
  readonly externalIds: readonly string[] | undefined;
}

/** The roles in use, and what could not be decided. */
export interface AwsUse {
  readonly roles: readonly UsedRole[];
  /** Why containers that name a role have none, one sentence each. */
  readonly refusals: readonly string[];
}

/** Pods as podrole decides about them. */
export interface PodsOfCluster {
  readonly pods: readonly Pod[];
  readonly namespaces: readonly Namespace[];
  readonly serviceAccounts: readonly ServiceAccount[];
}

/** The server's settings that decide about its calls to STS. */
export interface CallSettings {
  readonly policy: PolicySettings;
  /** --assume-role-arn: the role that assumes all roles without a first hop of their own. */
  readonly assumeRoleArn: string | undefined;
}

/**
 * Reads the settings of the installed server, and all pods; the problem is why the settings cannot be used.
 * `roleBaseArn` replaces the prefix of short role names, for a server that detects its own. Throws ApiError.
 */
export async function readAwsUse(
  { kubernetes }: { readonly kubernetes: OperatorKubernetes },
  { podroleNamespace, roleBaseArn }: { readonly podroleNamespace: string; readonly roleBaseArn: string | undefined },
): Promise<Result<AwsUse>> {
  const place = { namespace: podroleNamespace };
  const deployments = await kubernetes.listAll<Deployment>("deployments", place);
  const { server } = readInstalled(deployments, await kubernetes.listAll<ConfigMap>("configmaps", place));
  if (server === undefined) return failure(`no Deployment in namespace "${podroleNamespace}" runs podrole's server`);
  if (server.settings === undefined) {
    return failure(`the settings of Deployment ${server.deployment} cannot be used: ${server.problems.join("; ")}`);
  }
  const settings = roleBaseArn === undefined ? server.settings : { ...server.settings, roleBaseArn };
  const cluster = {
    pods: await kubernetes.listAll<Pod>("pods"),
    namespaces: await kubernetes.listAll<Namespace>("namespaces"),
    serviceAccounts: await kubernetes.listAll<ServiceAccount>("serviceaccounts"),
  };
  const { assumeRoleArn } = settings;
  return success(usedRoles(cluster, { policy: policySettings(settings), assumeRoleArn }));
}

/** Decides on every pod that has not finished, whether podrole injected it or not. Roles are sorted by ARN. */
export function usedRoles(
  { pods, namespaces, serviceAccounts }: PodsOfCluster,
  { policy, assumeRoleArn }: CallSettings,
): AwsUse {
  const annotationsOf = new Map<string, Readonly<Record<string, string>>>([
    ...namespaces.map(({ metadata }) => [`${metadata.name}`, metadata.annotations ?? {}] as const),
    ...serviceAccounts.map(
      ({ metadata }) => [`${metadata.namespace}/${metadata.name}`, metadata.annotations ?? {}] as const,
    ),
  ]);
  const uses: UsedRole[] = [];
  const refusals = new Set<string>();
  for (const pod of pods.filter((one) => !hasFinished(one))) {
    const { namespace = "" } = pod.metadata;
    const facts = podFacts(pod, namespace);
    const inherited = {
      namespaceAnnotations: annotationsOf.get(namespace) ?? {},
      serviceAccountAnnotations: annotationsOf.get(`${namespace}/${serviceAccountOf(pod.spec)}`) ?? {},
    };
    const { roles, refusal } = decideRoles(facts, inherited, policy);
    if (refusal !== undefined) refusals.add(refusal.message);
    for (const decision of roles) {
      if (decision.outcome !== "allowed") {
        refusals.add(decision.refusal.message);
        continue;
      }
      const input = assumeRoleInput(facts, decision.role, policy, "deferred");
      if (isRefusal(input)) refusals.add(input.message);
      else uses.push(useOf(decision.role, input, assumeRoleArn));
    }
  }
  const byRole = Map.groupBy(uses, ({ role }) => role.arn);
  return {
    roles: [...byRole].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, same]) => mergeUses(same)),
    refusals: [...refusals].sort(),
  };
}

function useOf(
  role: RoleArn,
  { externalId, via, tags, sourceIdentity }: AssumeRoleInput,
  assumeRoleArn: string | undefined,
): UsedRole {
  return {
    role,
    caller: via ?? assumeRoleArn,
    actions: actionsOf(tags !== undefined, sourceIdentity !== undefined),
    externalIds: externalId === undefined ? undefined : [externalId],
  };
}

/** A session with tags or a source identity needs a permission for each, in both policies. */
function actionsOf(hasTags: boolean, hasSourceIdentity: boolean): readonly string[] {
  return [
    "sts:AssumeRole",
    ...(hasTags ? ["sts:TagSession"] : []),
    ...(hasSourceIdentity ? ["sts:SetSourceIdentity"] : []),
  ];
}

function mergeUses(uses: readonly UsedRole[]): UsedRole {
  const [first] = uses as [UsedRole];
  const externalIds = uses.map((use) => use.externalIds);
  return {
    ...first,
    actions: [...new Set(uses.flatMap(({ actions }) => actions))],
    externalIds: externalIds.includes(undefined)
      ? undefined
      : [...new Set(externalIds.flatMap((ids) => ids ?? []))].sort(),
  };
}
