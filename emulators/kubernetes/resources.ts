// The resources that the emulated API server serves, for routing, discovery and messages.

/** A resource of the API. */
export interface ResourceType {
  readonly group: string;
  readonly version: "v1";
  readonly plural: string;
  readonly singular: string;
  readonly kind: string;
  readonly shortNames: readonly string[];
  readonly isNamespaced: boolean;
  /** The part after /NAME/. */
  readonly subresources: readonly string[];
  /** Answered immediately and never stored, such as reviews. */
  readonly isVirtual: boolean;
  /** In addition to metadata.name and metadata.namespace. */
  readonly selectableFields: readonly string[];
}

function defineResource(plural: string, kind: string, options: Partial<ResourceType> = {}): ResourceType {
  return {
    group: "",
    version: "v1",
    plural,
    singular: kind.toLowerCase(),
    kind,
    shortNames: [],
    isNamespaced: true,
    subresources: [],
    isVirtual: false,
    selectableFields: [],
    ...options,
  };
}

const EVENT_FIELDS = [
  "involvedObject.kind",
  "involvedObject.name",
  "involvedObject.namespace",
  "involvedObject.uid",
  "reason",
  "type",
];

/** Every resource that is served. */
export const RESOURCES: readonly ResourceType[] = [
  defineResource("namespaces", "Namespace", { isNamespaced: false, shortNames: ["ns"], subresources: ["status"] }),
  defineResource("pods", "Pod", {
    shortNames: ["po"],
    subresources: ["status", "binding", "proxy"],
    selectableFields: ["spec.nodeName", "spec.serviceAccountName", "spec.restartPolicy", "status.phase"],
  }),
  // No endpoints: the proxy's targets are the emulator's own.
  defineResource("services", "Service", { shortNames: ["svc"], subresources: ["status", "proxy"] }),
  defineResource("serviceaccounts", "ServiceAccount", { shortNames: ["sa"], subresources: ["token"] }),
  defineResource("secrets", "Secret", { selectableFields: ["type"] }),
  defineResource("configmaps", "ConfigMap", { shortNames: ["cm"] }),
  defineResource("events", "Event", { shortNames: ["ev"], selectableFields: EVENT_FIELDS }),
  defineResource("mutatingwebhookconfigurations", "MutatingWebhookConfiguration", {
    group: "admissionregistration.k8s.io",
    isNamespaced: false,
  }),
  // Stored and listed only: no policy is evaluated.
  defineResource("validatingadmissionpolicies", "ValidatingAdmissionPolicy", {
    group: "admissionregistration.k8s.io",
    isNamespaced: false,
    subresources: ["status"],
  }),
  defineResource("validatingadmissionpolicybindings", "ValidatingAdmissionPolicyBinding", {
    group: "admissionregistration.k8s.io",
    isNamespaced: false,
  }),
  defineResource("clustertrustbundles", "ClusterTrustBundle", {
    group: "certificates.k8s.io",
    isNamespaced: false,
    selectableFields: ["spec.signerName"],
  }),
  defineResource("podcertificaterequests", "PodCertificateRequest", {
    group: "certificates.k8s.io",
    subresources: ["status"],
    selectableFields: ["spec.signerName", "spec.podName", "spec.nodeName"],
  }),
  defineResource("tokenreviews", "TokenReview", {
    group: "authentication.k8s.io",
    isNamespaced: false,
    isVirtual: true,
  }),
  defineResource("subjectaccessreviews", "SubjectAccessReview", {
    group: "authorization.k8s.io",
    isNamespaced: false,
    isVirtual: true,
  }),
  defineResource("selfsubjectaccessreviews", "SelfSubjectAccessReview", {
    group: "authorization.k8s.io",
    isNamespaced: false,
    isVirtual: true,
  }),
  defineResource("nodes", "Node", { isNamespaced: false, shortNames: ["no"], subresources: ["status"] }),
  // Stored and listed only: neither is applied to pods.
  defineResource("limitranges", "LimitRange", { shortNames: ["limits"] }),
  defineResource("resourcequotas", "ResourceQuota", { shortNames: ["quota"], subresources: ["status"] }),
  // No controller creates pods for these.
  defineResource("deployments", "Deployment", { group: "apps", shortNames: ["deploy"], subresources: ["status"] }),
  defineResource("replicasets", "ReplicaSet", { group: "apps", shortNames: ["rs"], subresources: ["status"] }),
  defineResource("statefulsets", "StatefulSet", { group: "apps", shortNames: ["sts"], subresources: ["status"] }),
  defineResource("daemonsets", "DaemonSet", { group: "apps", shortNames: ["ds"], subresources: ["status"] }),
  defineResource("jobs", "Job", { group: "batch", subresources: ["status"] }),
  defineResource("cronjobs", "CronJob", { group: "batch", shortNames: ["cj"], subresources: ["status"] }),
  defineResource("poddisruptionbudgets", "PodDisruptionBudget", { group: "policy", shortNames: ["pdb"] }),
];

/** Returns a resource for access reviews, which may name resources that the emulator does not serve. */
export function anyResource(group: string, plural: string): ResourceType {
  return findResource(group, "v1", plural) ?? defineResource(plural, plural, { group });
}

/** Returns the apiVersion: "v1" for the core group, otherwise "group/version". */
export function groupVersion({ group, version }: Pick<ResourceType, "group" | "version">): string {
  return group === "" ? version : `${group}/${version}`;
}

/** Finds a resource by its plural, which is unique here. Throws an Error for one that is not served. */
export function resourceNamed(plural: string): ResourceType {
  const found = RESOURCES.find((resource) => resource.plural === plural);
  if (found === undefined) throw new Error(`the emulator has no ${plural}`);
  return found;
}

/** Returns the resource with this group, version and plural name; undefined if it is not served. */
export function findResource(group: string, version: string, plural: string): ResourceType | undefined {
  return RESOURCES.find(
    (resource) => resource.group === group && resource.version === version && resource.plural === plural,
  );
}

/**
 * Returns the resource's name as the API server's messages have it, such as "pods" or
 * "mutatingwebhookconfigurations.admissionregistration.k8s.io".
 */
export function qualifiedName({ plural, group }: ResourceType): string {
  return group === "" ? plural : `${plural}.${group}`;
}
