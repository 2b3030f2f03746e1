// Paths of resources on the API server. (https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-uris)
import { PodroleError } from "../protocol/errors.ts";
import type { OperatorResource, Resource } from "./api.ts";

const API_GROUPS: Readonly<Record<Resource | OperatorResource, string>> = {
  pods: "/api/v1",
  namespaces: "/api/v1",
  serviceaccounts: "/api/v1",
  limitranges: "/api/v1",
  resourcequotas: "/api/v1",
  secrets: "/api/v1",
  configmaps: "/api/v1",
  events: "/api/v1",
  mutatingwebhookconfigurations: "/apis/admissionregistration.k8s.io/v1",
  clustertrustbundles: "/apis/certificates.k8s.io/v1",
  podcertificaterequests: "/apis/certificates.k8s.io/v1",
  tokenreviews: "/apis/authentication.k8s.io/v1",
  services: "/api/v1",
  nodes: "/api/v1",
  deployments: "/apis/apps/v1",
  replicasets: "/apis/apps/v1",
  statefulsets: "/apis/apps/v1",
  daemonsets: "/apis/apps/v1",
  jobs: "/apis/batch/v1",
  cronjobs: "/apis/batch/v1",
  poddisruptionbudgets: "/apis/policy/v1",
  validatingadmissionpolicies: "/apis/admissionregistration.k8s.io/v1",
  validatingadmissionpolicybindings: "/apis/admissionregistration.k8s.io/v1",
  subjectaccessreviews: "/apis/authorization.k8s.io/v1",
  selfsubjectaccessreviews: "/apis/authorization.k8s.io/v1",
};

/** Returns the path of the page that lists the resources of a group. */
export function groupPathOf(resource: Resource): string {
  return API_GROUPS[resource];
}

/**
 * Returns the path of one object (with `name`) or of a collection. Names are escaped, because some come from
 * certificates and requests. Throws PodroleError REQUEST_INVALID for a name that is empty, "." or "..": it would name
 * another object, because URL parsers resolve such steps even when they are escaped.
 */
export function pathOf(
  resource: Resource | OperatorResource,
  place: { readonly namespace?: string; readonly name?: string } = {},
): string {
  const scope = place.namespace === undefined ? [] : ["namespaces", pathSegment(place.namespace)];
  const name = place.name === undefined ? [] : [pathSegment(place.name)];
  return [API_GROUPS[resource], ...scope, resource, ...name].join("/");
}

function pathSegment(name: string): string {
  if (!NO_SEGMENTS.has(name)) return encodeURIComponent(name);
  throw new PodroleError("REQUEST_INVALID", `Cannot call the Kubernetes API: a name is "${name}"; expected a DNS name`);
}

const NO_SEGMENTS: ReadonlySet<string> = new Set(["", ".", ".."]);
