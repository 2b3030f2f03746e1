// Names that podrole reads on Kubernetes objects. Those of kiam and kube2iam are unchanged, so that no manifest has to
// change. Every value is untrusted: no message contains one that quoted() has not escaped and shortened.

/** Annotations, with the objects that carry them. */
export const ANNOTATIONS = {
  /** Pod or ServiceAccount: the role. */
  role: "iam.amazonaws.com/role",
  /**
   * Pod, followed by a container's name: the role of that container only. Kubernetes leaves 58 characters for the name.
   */
  roleOfContainer: "iam.amazonaws.com/role.",
  sessionName: "iam.amazonaws.com/session-name",
  externalId: "iam.amazonaws.com/external-id",
  /** Namespace: RE2 expression that a role's ARN must match (kiam). */
  permitted: "iam.amazonaws.com/permitted",
  /** Namespace: JSON array of patterns (kube2iam). */
  allowedRoles: "iam.amazonaws.com/allowed-roles",
  /** Namespace: the role of pods that name none. */
  defaultRole: "iam.amazonaws.com/default-role",
  /** Pod: comma-separated names of the participating containers; absent: all. */
  containers: "podrole.io/containers",
  /** Pod: "disabled" opts out. */
  inject: "podrole.io/inject",
  /** Pod: "native" or "classic". */
  mode: "podrole.io/mode",
  /** Pod: "enabled" adds the instance metadata paths, "enabled-v1" also those without a token (IMDSv1). */
  metadata: "podrole.io/metadata",
  /** Pod: lifetime of its sessions, within the server's limits. */
  sessionDuration: "podrole.io/session-duration",
  /** Pod: comma-separated ARNs of managed policies that narrow its sessions. */
  sessionPolicyArns: "podrole.io/session-policy-arns",
  /** Pod: a ConfigMap in its namespace whose policy narrows its sessions. */
  sessionPolicy: "podrole.io/session-policy",
} as const;

/** Labels, with the objects that carry them. */
export const LABELS = {
  /** Namespace: "enabled" opts in. */
  inject: "podrole.io/inject",
  /** Pod: set by injection. */
  injected: "podrole.io/injected",
} as const;

/** Value of `LABELS.inject` on a namespace whose pods are injected. */
export const INJECT_ENABLED = "enabled";
/** Value of `LABELS.injected` on an injected pod. */
export const INJECTED = "true";
/** Selects the injected pods, in the text form of label selectors. */
export const INJECTED_PODS = `${LABELS.injected}=${INJECTED}`;

/** True for the labels of a namespace that opts in. */
export function optsIn(labels: Readonly<Record<string, string>> = {}): boolean {
  return valueOf(labels, LABELS.inject) === INJECT_ENABLED;
}

/** Returns the object's own value of `name`, undefined if absent. Ignores the properties of Object.prototype. */
export function valueOf(map: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(map, name) ? map[name] : undefined;
}

/**
 * JSON leaves these characters as they are; terminals interpret some of them (controls, bidirectional overrides, line
 * separators).
 */
const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}]/gu;

/**
 * Makes an untrusted value safe for a message: quoted, invisible characters escaped, cut to 77 characters if it has
 * more than 80.
 */
export function quoted(value: string): string {
  const short = value.length > 80 ? `${value.slice(0, 77)}...` : value;
  return JSON.stringify(short).replaceAll(INVISIBLE, (character) =>
    Array.from({ length: character.length }, (_, index) => escapeUnit(character.charCodeAt(index))).join(""),
  );
}

function escapeUnit(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, "0")}`;
}
