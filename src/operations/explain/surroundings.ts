// Reads what limits the sizes of podrole's containers in a namespace. A missing permission is reported; objects of a
// manifest take precedence over the cluster's.
import { type NamespaceLimits, namespaceLimits } from "../../injection/namespace-limits.ts";
import type { LimitRange, ResourceQuota } from "../../kubernetes/objects.ts";
import type { OperatorKubernetes } from "../../kubernetes/operator.ts";
import { allKnown, deriveKnown, type Known, readAllowed } from "../known.ts";
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
