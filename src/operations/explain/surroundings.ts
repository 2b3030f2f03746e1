// Reads what limits the sizes of podrole's containers in a namespace, and the ConfigMaps from which a pod's containers
// take variables. A missing permission is reported; objects of a manifest take precedence over the cluster's.
import { type EnvSources, envFromOf } from "../../injection/env-from.ts";
import { type NamespaceLimits, namespaceLimits } from "../../injection/namespace-limits.ts";
import { allContainers, readPod } from "../../injection/shape.ts";
import type { LimitRange, Pod, ResourceQuota } from "../../kubernetes/objects.ts";
import type { OperatorKubernetes } from "../../kubernetes/operator.ts";
import { allKnown, deriveKnown, type Known, readAllowed } from "../known.ts";
import { envSourcesOf } from "../manifests/env-sources.ts";
import { type KubernetesObject, namespaceOf } from "../manifests/parse-objects.ts";

/** Reads the LimitRanges and ResourceQuotas of the namespace. Throws ApiError for all but a missing permission. */
export async function readNamespaceLimits(
  kubernetes: Pick<OperatorKubernetes, "listAll">,
  namespace: string,
  given: readonly KubernetesObject[],
): Promise<Known<NamespaceLimits>> {
  const limitRanges = await readAllowed(() => kubernetes.listAll<LimitRange>("limitranges", { namespace }));
  const resourceQuotas = await readAllowed(() => kubernetes.listAll<ResourceQuota>("resourcequotas", { namespace }));
  return deriveKnown(allKnown({ limitRanges, resourceQuotas }), (read) =>
    namespaceLimits(
      replacedBy(ofKind(given, "LimitRange", namespace), read.limitRanges),
      replacedBy(ofKind(given, "ResourceQuota", namespace), read.resourceQuotas),
    ),
  );
}

function ofKind(objects: readonly KubernetesObject[], kind: string, namespace: string): readonly KubernetesObject[] {
  return objects.filter((object) => object.kind === kind && namespaceOf(object) === namespace);
}

function replacedBy<Item extends { readonly metadata: { readonly name?: string } }>(
  given: readonly KubernetesObject[],
  read: readonly Item[],
): readonly (KubernetesObject | Item)[] {
  const names = new Set(given.map(({ metadata }) => metadata.name));
  return [...given, ...read.filter(({ metadata }) => !names.has(metadata.name))];
}

/**
 * Returns the sources of the pod's variables that can be read: ConfigMaps, and those of the manifest. It never reads a
 * Secret of the cluster.
 */
export async function readEnvSources(
  kubernetes: Pick<OperatorKubernetes, "getConfigMap">,
  { pod, namespace }: { readonly pod: Pod; readonly namespace: string },
  given: readonly KubernetesObject[],
): Promise<EnvSources> {
  const sources = new Map(envSourcesOf(given, namespace));
  const read = readPod(pod);
  const named = read.ok ? allContainers(read.value).flatMap(envFromOf) : [];
  for (const { source } of named) {
    const [kind, name = ""] = source.split("/");
    if (kind !== "ConfigMap" || sources.has(source)) continue;
    const data = await readAllowed(() => kubernetes.getConfigMap(namespace, name));
    // One that does not exist may be optional, and has no variables until it does.
    if ("value" in data) sources.set(source, Object.keys(data.value ?? {}));
  }
  return sources;
}
