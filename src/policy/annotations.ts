// Names that podrole reads on Kubernetes objects. kiam's and kube2iam's are kept: no manifest has to change. Every
// value behind them was written by a stranger: nothing of it reaches a message unless quoted() made it fit.

export const ANNOTATIONS = {
  /** Pod or ServiceAccount: the role. */
  role: "iam.amazonaws.com/role",
  /** Pod, followed by a container's name: the role of that container alone. Kubernetes leaves the name 58 characters. */
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
  /** Pod: "enabled" adds the instance metadata paths, "enabled-v1" those without a token too. */
  metadata: "podrole.io/metadata",
  /** Pod: another life of its sessions, within the server's bounds. */
  sessionDuration: "podrole.io/session-duration",
  /** Pod: comma-separated ARNs of managed policies that narrow its sessions. */
  sessionPolicyArns: "podrole.io/session-policy-arns",
  /** Pod: a ConfigMap of its namespace whose policy narrows its sessions. */
  sessionPolicy: "podrole.io/session-policy",
} as const;

export const LABELS = {
  /** Namespace: "enabled" opts in. */
  inject: "podrole.io/inject",
  /** Pod: set by injection. */
  injected: "podrole.io/injected",
} as const;

/** What an object says under a name; undefined when absent. Never what Object.prototype says under it. */
export function valueOf(map: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(map, name) ? map[name] : undefined;
}

/** JSON leaves these as they are; a terminal obeys some of them (controls, bidirectional overrides, line separators). */
const INVISIBLE = /[\p{C}\p{Zl}\p{Zp}]/gu;

/** A value of a stranger, fit for a message: quoted, everything invisible escaped, cut after 77 of more than 80. */
export function quoted(value: string): string {
  const short = value.length > 80 ? `${value.slice(0, 77)}...` : value;
  return JSON.stringify(short).replaceAll(INVISIBLE, (character) =>
    Array.from({ length: character.length }, (_, index) => escapeUnit(character.charCodeAt(index))).join(""),
  );
}

function escapeUnit(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, "0")}`;
}
