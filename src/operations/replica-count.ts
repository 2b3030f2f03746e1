// How many replicas of a program are ready, and why none is, for commands that read podrole's installation.
import type { Pod } from "../kubernetes/objects.ts";
import type { OperatorKubernetes } from "../kubernetes/operator.ts";
import { workloadFailure } from "./creation-failure.ts";
import { countReplicas, type Deployment, deploymentOf, type ProgramName, type ReplicaCount } from "./installed.ts";
import { readKnown } from "./known.ts";
import { unreadyReasons } from "./unready-pods.ts";

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
  if (count === undefined || count.ready > 0 || count.wanted === 0 || name === undefined) return count;
  const selector = { namespace: count.namespace, labelSelector: `${NAME_LABEL}=${name}` };
  const pods = await readKnown(() => kubernetes.listAll<Pod>("pods", selector));
  if ("unknown" in pods) return count;
  const blocked = pods.value.length === 0 ? workloadFailure(deployment) : undefined;
  const reasons = blocked === undefined ? unreadyReasons(pods.value) : [`it has no pod: ${blocked}`];
  return { ...count, ...(reasons.length > 0 && { reasons }) };
}

/** Returns the reasons as they follow a number of replicas: " (2 pods: ImagePullBackOff: …)", or nothing. */
export function replicaReasonsText(reasons: readonly string[] = []): string {
  return reasons.length === 0 ? "" : ` (${reasons.join("; ")})`;
}
