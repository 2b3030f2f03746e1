// Paths of resources on the API server. (https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris)
import type { OperatorResource, Resource } from "./api.ts";

const GROUPS: Readonly<Record<Resource | OperatorResource, string>> = {
  pods: "/api/v1",
  namespaces: "/api/v1",
  serviceaccounts: "/api/v1",
  secrets: "/api/v1",
  configmaps: "/api/v1",
  events: "/api/v1",
  mutatingwebhookconfigurations: "/apis/admissionregistration.k8s.io/v1",
  tokenreviews: "/apis/authentication.k8s.io/v1",
  nodes: "/api/v1",
  deployments: "/apis/apps/v1",
  replicasets: "/apis/apps/v1",
  statefulsets: "/apis/apps/v1",
  daemonsets: "/apis/apps/v1",
  jobs: "/apis/batch/v1",
  cronjobs: "/apis/batch/v1",
  poddisruptionbudgets: "/apis/policy/v1",
  subjectaccessreviews: "/apis/authorization.k8s.io/v1",
  selfsubjectaccessreviews: "/apis/authorization.k8s.io/v1",
};

/**
 * Returns the path of one object (with `name`) or of a collection. Names are escaped, because some come from
 * certificates.
 */
export function pathOf(
  resource: Resource | OperatorResource,
  place: { readonly namespace?: string; readonly name?: string } = {},
): string {
  const scope = place.namespace === undefined ? [] : ["namespaces", encodeURIComponent(place.namespace)];
  const name = place.name === undefined ? [] : [encodeURIComponent(place.name)];
  return [GROUPS[resource], ...scope, resource, ...name].join("/");
}
