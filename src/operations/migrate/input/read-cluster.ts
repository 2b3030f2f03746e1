// Reads the objects of a cluster with the caller's own rights. Pods and namespaces are required; any other kind that
// may not be listed is left out and reported: without Deployments, for example, the report covers live pods only.

import type { OperatorResource, Resource } from "../../../kubernetes/api.ts";
import { ApiError } from "../../../kubernetes/errors.ts";
import type { OperatorKubernetes } from "../../../kubernetes/operator.ts";
import { hasNativeSidecars } from "../../../settings/plan-settings.ts";
import type { KubernetesObject, ParsedObjects } from "../../manifests/parse-objects.ts";

/** What the cluster is read with. */
export interface ReadClusterDeps {
  readonly kubernetes: OperatorKubernetes;
  /** Called after each list that was read. */
  readonly onProgress: (progress: { readonly count: number; readonly resource: string }) => void;
}

/** The objects of a cluster, and a fact about its version. */
export interface ClusterObjects extends ParsedObjects {
  /** True since Kubernetes 1.29, where the feature needs no gate. */
  readonly hasNativeSidecars: boolean;
}

const LISTED_KINDS: readonly (readonly [Resource | OperatorResource, string])[] = [
  ["serviceaccounts", "ServiceAccount"],
  ["deployments", "Deployment"],
  ["replicasets", "ReplicaSet"],
  ["statefulsets", "StatefulSet"],
  ["daemonsets", "DaemonSet"],
  ["jobs", "Job"],
  ["cronjobs", "CronJob"],
];

/**
 * Reads one namespace, or all if `namespace` is undefined. `problems` name the kinds that were left out. Throws
 * ApiError.
 */
export async function readCluster(
  { kubernetes, onProgress }: ReadClusterDeps,
  namespace: string | undefined,
): Promise<ClusterObjects> {
  const selector = namespace === undefined ? {} : { namespace };
  const list = async (resource: Resource | OperatorResource, kind: string): Promise<KubernetesObject[]> => {
    const items = await kubernetes.listAll<Omit<KubernetesObject, "kind">>(resource, selector);
    onProgress({ count: items.length, resource });
    return items.map((item) => Object.assign(item, { kind }) as KubernetesObject);
  };
  const version = await kubernetes.serverVersion();
  const objects = [...(await listNamespaceObjects(kubernetes, namespace)), ...(await list("pods", "Pod"))];
  const problems: string[] = [];
  for (const [resource, kind] of LISTED_KINDS) {
    try {
      objects.push(...(await list(resource, kind)));
    } catch (error) {
      if (!(error instanceof ApiError && error.status === 403)) throw error;
      problems.push(`${resource} may not be listed: the report lacks what only they show`);
    }
  }
  return { objects, problems, hasNativeSidecars: hasNativeSidecars(version) };
}

async function listNamespaceObjects(
  kubernetes: OperatorKubernetes,
  name: string | undefined,
): Promise<KubernetesObject[]> {
  const kind = "Namespace";
  if (name !== undefined) {
    const found = await kubernetes.getNamespace(name);
    return found ? [{ ...found, kind }] : [];
  }
  const all = await kubernetes.listAll<Omit<KubernetesObject, "kind">>("namespaces");
  return all.map((item) => Object.assign(item, { kind }) as KubernetesObject);
}
