// How many replicas of a program are ready, and why none is, for commands that read podrole's installation.
import type { Pod } from "../kubernetes/objects.ts";
import type { OperatorKubernetes } from "../kubernetes/operator.ts";
import { workloadFailure } from "./creation-failure.ts";
import { countReplicas, type Deployment, deploymentOf, type ProgramName, type ReplicaCount } from "./installed.ts";
import { readKnown } from "./known.ts";
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
  const pods = await readKnown(() => kubernetes.listAll<Pod>("pods", selector));
  return "unknown" in pods ? count : { ...count, ...unreadiness(deployment, pods.value) };
}

/** Returns why none of a Deployment's pods is ready. */
export function unreadiness(deployment: Deployment, pods: readonly Pod[]): Pick<ReplicaCount, "reasons" | "unready"> {
  const blocked = pods.length === 0 ? workloadFailure(deployment) : undefined;
  const reasons = blocked === undefined ? unreadyReasons(pods) : [`it has no pod: ${blocked}`];
  const unready = findUnreadyPod(pods);
  return { ...(reasons.length > 0 && { reasons }), ...(unready && { unready }) };
}
