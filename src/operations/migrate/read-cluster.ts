// The objects of a cluster, with the rights of the person who asks. Pods and namespaces are needed; whatever else cannot
// be listed is said and left out: without Deployments the report knows live pods alone.
import { ApiError } from "../../kubernetes/errors.ts";
import type { Resource, OperatorResource } from "../../kubernetes/api.ts";
import type { OperatorKubernetes } from "../../kubernetes/operator.ts";
import type { KubernetesObject, ParsedObjects } from "../manifests/objects.ts";

export interface ReadClusterDeps {
  readonly kubernetes: OperatorKubernetes;
  /** For people who wait: one line a kind. */
  readonly progress: (line: string) => void;
}

export interface ClusterObjects extends ParsedObjects {
  /** Since Kubernetes 1.29 without a feature gate. */
  readonly nativeSidecars: boolean;
}

const KINDS: readonly (readonly [Resource | OperatorResource, string])[] = [
  ["serviceaccounts", "ServiceAccount"],
  ["deployments", "Deployment"],
  ["replicasets", "ReplicaSet"],
  ["statefulsets", "StatefulSet"],
  ["daemonsets", "DaemonSet"],
  ["jobs", "Job"],
  ["cronjobs", "CronJob"],
];

/** `namespace` undefined: all of them. Throws KUBERNETES_UNAVAILABLE; `problems` are about what was left out. */
export async function readCluster(
  { kubernetes, progress }: ReadClusterDeps,
  namespace: string | undefined,
): Promise<ClusterObjects> {
  const selector = namespace === undefined ? {} : { namespace };
  const list = async (resource: Resource | OperatorResource, kind: string): Promise<KubernetesObject[]> => {
    const items = await kubernetes.listAll<Omit<KubernetesObject, "kind">>(resource, selector);
    progress(`${items.length} ${resource}`);
    return items.map((item) => Object.assign(item, { kind }) as KubernetesObject);
  };
  const { major, minor } = await kubernetes.serverVersion();
  const objects = [...(await readNamespaces(kubernetes, namespace)), ...(await list("pods", "Pod"))];
  const problems: string[] = [];
  for (const [resource, kind] of KINDS) {
    try {
      objects.push(...(await list(resource, kind)));
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 403)) throw error;
      problems.push(`${resource} may not be listed: what only they would tell is missing`);
    }
  }
  return { objects, problems, nativeSidecars: major > 1 || minor >= 29 };
}

async function readNamespaces(kubernetes: OperatorKubernetes, name: string | undefined): Promise<KubernetesObject[]> {
  const kind = "Namespace";
  if (name !== undefined) {
    const found = await kubernetes.getNamespace(name);
    return found ? [{ ...found, kind }] : [];
  }
  const all = await kubernetes.listAll<Omit<KubernetesObject, "kind">>("namespaces");
  return all.map((item) => Object.assign(item, { kind }) as KubernetesObject);
}
