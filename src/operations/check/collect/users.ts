// Reads the namespaces that may use podrole, with their ServiceAccounts, limits and pods.
import type { LimitRange, Namespace, Pod, ResourceQuota, ServiceAccount } from "../../../kubernetes/objects.ts";
import type { OperatorKubernetes } from "../../../kubernetes/operator.ts";
import { readEach, readKnown } from "../../known.ts";
import type { Facts } from "../facts.ts";

/** One namespace, or those with certain labels. */
export type PodScope = { readonly namespace: string } | { readonly namespaceSelector: string };

/** Reads those of the scope, or of the whole cluster if `scope` is undefined. */
export async function readUsers(
  kubernetes: OperatorKubernetes,
  scope: PodScope | undefined,
): Promise<Pick<Facts, "namespaces" | "serviceAccounts" | "limitRanges" | "resourceQuotas" | "pods">> {
  const namespaces = await readKnown(() => readNamespacesInScope(kubernetes, scope));
  const names = "value" in namespaces ? namespaces.value.map(({ metadata }) => metadata.name ?? "") : [];
  // One list for the whole cluster, or one for each selected namespace.
  const inNamespaces = <Item>(resource: "pods" | "serviceaccounts" | "limitranges" | "resourcequotas") =>
    readKnown(async () =>
      scope === undefined
        ? kubernetes.listAll<Item>(resource)
        : (await readEach(names, (name) => kubernetes.listAll<Item>(resource, { namespace: name }))).flat(),
    );
  const serviceAccounts = await inNamespaces<ServiceAccount>("serviceaccounts");
  const limitRanges = await inNamespaces<LimitRange>("limitranges");
  const resourceQuotas = await inNamespaces<ResourceQuota>("resourcequotas");
  return { namespaces, serviceAccounts, limitRanges, resourceQuotas, pods: await inNamespaces<Pod>("pods") };
}

async function readNamespacesInScope(
  kubernetes: OperatorKubernetes,
  scope: PodScope | undefined,
): Promise<readonly Namespace[]> {
  if (scope === undefined) return kubernetes.listAll<Namespace>("namespaces");
  if ("namespaceSelector" in scope) {
    return kubernetes.listAll<Namespace>("namespaces", { labelSelector: scope.namespaceSelector });
  }
  const found = await kubernetes.getNamespace(scope.namespace);
  return found === undefined ? [] : [found];
}
