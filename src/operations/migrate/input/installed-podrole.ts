// podrole in the cluster that is migrated: if it is installed, its settings decide what happens to pods, and not those
// that the predecessor's would become.
import { ApiError } from "../../../kubernetes/errors.ts";
import type { ConfigMap } from "../../../kubernetes/objects.ts";
import type { OperatorKubernetes } from "../../../kubernetes/operator.ts";
import { OWN_OBJECTS } from "../../../policy/annotations.ts";
import { type Deployment, type Installed, readInstalled } from "../../installed.ts";
import type { KubernetesObject } from "../../manifests/parse-objects.ts";
import { findPodroleNamespace } from "../../podrole-namespace.ts";

/** The installation among the objects of files; without one, both programs are undefined. */
export function installedAmong(objects: readonly KubernetesObject[]): Installed {
  const deployments = objects.filter((object) => object.kind === "Deployment" && isOwn(object));
  const namespaces = new Set(deployments.map(({ metadata }) => metadata.namespace));
  const configMaps = objects.filter(({ kind, metadata }) => kind === "ConfigMap" && namespaces.has(metadata.namespace));
  return readInstalled(deployments.filter(hasTemplate) as unknown as readonly Deployment[], configMaps);
}

/**
 * The installation in a cluster; without one, or without the right to read it, both programs are undefined. `notes`:
 * what the operator has to verify about it.
 */
export async function installedIn(
  kubernetes: OperatorKubernetes,
): Promise<{ readonly installed: Installed; readonly notes: readonly string[] }> {
  const none = { installed: readInstalled([], []), notes: [] };
  try {
    const found = await findPodroleNamespace(kubernetes, undefined);
    if (!found.ok) return none;
    const { name: namespace, note } = found.value;
    const deployments = await kubernetes.listAll<Deployment>("deployments", { namespace, labelSelector: OWN_OBJECTS });
    if (deployments.length === 0) return none;
    const configMaps = await kubernetes.listAll<ConfigMap>("configmaps", { namespace });
    return { installed: readInstalled(deployments, configMaps), notes: note === undefined ? [] : [note] };
  } catch (error) {
    if (error instanceof ApiError && error.status === 403) return none;
    throw error;
  }
}

function isOwn({ metadata }: KubernetesObject): boolean {
  const [label = "", value] = OWN_OBJECTS.split("=");
  return metadata.labels?.[label] === value;
}

/** Files may hold any value where a Deployment has its containers. */
function hasTemplate(object: KubernetesObject): boolean {
  const { spec } = object as unknown as Partial<Deployment>;
  return Array.isArray(spec?.template?.spec?.containers);
}
