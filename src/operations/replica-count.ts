// How many replicas of a program are ready, and why none is, for commands that read podrole's installation.
import type { ObjectMeta, Pod } from "../kubernetes/objects.ts";
import type { OperatorKubernetes } from "../kubernetes/operator.ts";
import { workloadFailure } from "./creation-failure.ts";
import {
  countReplicas,
  type Deployment,
  deploymentOf,
  type FormerRevision,
  type ProgramName,
  type ReplicaCount,
} from "./installed.ts";
import { type Known, readKnown } from "./known.ts";
import { findUnreadyPod, unreadyReasons } from "./unready-pods.ts";

const NAME_LABEL = "app.kubernetes.io/name";

/**
 * As countReplicas(), with the reasons if no replica is ready, as far as the caller may read the program's pods. Never
 * rejects.
 */
export async function readReplicaCount(
  kubernetes: Pick<OperatorKubernetes, "listAll">,
  program: ProgramName,
  deployments: readonly Deployment[],
): Promise<ReplicaCount | undefined> {
  const count = countReplicas(program, deployments);
  const deployment = deploymentOf(program, deployments);
  const name = deployment?.spec.template.metadata.labels?.[NAME_LABEL];
  if (deployment === undefined || count === undefined || name === undefined) return count;
  if (count.ready > 0 || count.wanted === 0) return count;
  const selector = { namespace: count.namespace, labelSelector: `${NAME_LABEL}=${name}` };
  const [pods, replicaSets] = await Promise.all([
    readKnown(() => kubernetes.listAll<Pod>("pods", selector)),
    readKnown(() => kubernetes.listAll<ReplicaSetObject>("replicasets", selector)),
  ]);
  return { ...count, ...absenceFacts(deployment, pods, replicaSets) };
}

/** Why none of a Deployment's pods is ready, and which revision was before, as far as both can be read. */
export function absenceFacts(
  deployment: Deployment,
  pods: Known<readonly Pod[]>,
  replicaSets: Known<readonly ReplicaSetObject[]>,
): Pick<ReplicaCount, "reasons" | "unready" | "former"> {
  const former = "value" in replicaSets ? formerRevision(deployment, replicaSets.value) : undefined;
  return { ...("value" in pods && unreadiness(deployment, pods.value)), ...(former && { former }) };
}

/** The fields of a ReplicaSet that are read. */
export interface ReplicaSetObject {
  readonly metadata: ObjectMeta;
  readonly spec: { readonly template: Pod };
}

/**
 * Returns the newest revision before a Deployment's own, as `kubectl rollout undo` finds it.
 * (https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#rolling-back-to-a-previous-revision)
 */
function formerRevision(
  { metadata }: Pick<Deployment, "metadata">,
  replicaSets: readonly ReplicaSetObject[],
): FormerRevision | undefined {
  const present = revisionOf(metadata);
  const former = replicaSets
    .filter(
      (set) =>
        set.metadata.ownerReferences?.some(({ name }) => name === metadata.name) && revisionOf(set.metadata) < present,
    )
    .toSorted((a, b) => revisionOf(b.metadata) - revisionOf(a.metadata))[0];
  const image = former?.spec.template.spec.containers[0]?.image;
  return former === undefined || image === undefined ? undefined : { revision: revisionOf(former.metadata), image };
}

/** 0 if the Deployment's controller has not numbered it yet. */
function revisionOf({ annotations = {} }: ObjectMeta): number {
  return Number(annotations["deployment.kubernetes.io/revision"] ?? 0);
}

/** Returns why none of a Deployment's pods is ready. */
function unreadiness(deployment: Deployment, pods: readonly Pod[]): Pick<ReplicaCount, "reasons" | "unready"> {
  const blocked = pods.length === 0 ? workloadFailure(deployment) : undefined;
  const reasons = blocked === undefined ? unreadyReasons(pods) : [`it has no pod: ${blocked}`];
  const unready = findUnreadyPod(pods);
  return { ...(reasons.length > 0 && { reasons }), ...(unready && { unready }) };
}
