// Every reason for which a pod starts without podrole. The key is metric label, audit field and audit annotation, and
// part of the warning that kubectl prints; docs/errors.md lists the sentences.

export const SKIP_REASONS = {
  NOT_A_CREATION: "The request does not create a pod: podrole changes pods at their creation only",
  SYSTEM_NAMESPACE: "The namespace is one of Kubernetes' or podrole's own",
  NAMESPACE_NOT_LABELLED: "The namespace does not carry the label podrole.io/inject: enabled",
  INJECTION_DISABLED: "The pod carries the annotation podrole.io/inject: disabled",
  MIRROR_POD: "The pod is the mirror of a static pod: what runs is the file on its node",
  NO_CONTAINER: "The pod has no container that could use credentials",
  WINDOWS: "The pod runs on Windows, where podrole has no sidecar",
  HOST_NETWORK: "The pod uses its node's network, where the whole node could reach the sidecar",
  NO_ROLE: "Neither the pod, its ServiceAccount nor its namespace names a role",
} as const satisfies Record<string, string>;

export type SkipReason = keyof typeof SKIP_REASONS;
