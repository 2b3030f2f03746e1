// Names that podrole reads on Kubernetes objects. kiam's and kube2iam's are kept: no manifest has to change.

export const ANNOTATIONS = {
  /** Pod or ServiceAccount: the role. */
  role: "iam.amazonaws.com/role",
  /** Pod, followed by a container's name: the role of that container alone. */
  roleOfContainer: "iam.amazonaws.com/role.",
  sessionName: "iam.amazonaws.com/session-name",
  externalId: "iam.amazonaws.com/external-id",
  /** Namespace: RE2 expression that a role's ARN must match (kiam). */
  permitted: "iam.amazonaws.com/permitted",
  /** Namespace: JSON array of patterns (kube2iam). */
  allowedRoles: "iam.amazonaws.com/allowed-roles",
  /** Namespace: the role of pods that name none. */
  defaultRole: "iam.amazonaws.com/default-role",
  /** Pod: comma-separated names of the containers that take part; all when absent. */
  containers: "podrole.io/containers",
  /** Pod: "disabled" opts out. */
  inject: "podrole.io/inject",
  /** Pod: "native" or "classic". */
  mode: "podrole.io/mode",
  /** Pod: a shorter life of its sessions. */
  sessionDuration: "podrole.io/session-duration",
  /** Pod: comma-separated ARNs of managed policies that narrow its sessions. */
  sessionPolicyArns: "podrole.io/session-policy-arns",
} as const;

export const LABELS = {
  /** Namespace: "enabled" opts in. */
  inject: "podrole.io/inject",
  /** Pod: set by injection. */
  injected: "podrole.io/injected",
} as const;

/** A value of a stranger, fit for a message: quoted, escaped, at most 80 characters. */
export function quoted(value: string): string {
  return JSON.stringify(value.length > 80 ? `${value.slice(0, 77)}...` : value);
}
