// Names that podrole reads on Kubernetes objects. Those of kiam and kube2iam are unchanged, so that no manifest has to
// change. Every value is untrusted: no message contains one that quoted() has not escaped and shortened.

/** Beginning of the names that podrole alone gives a meaning. */
export const OWN_PREFIX = "podrole.io/";
/** Beginnings of all annotations that podrole reads; other programs read those of the first too. */
export const ANNOTATION_PREFIXES = ["iam.amazonaws.com/", OWN_PREFIX] as const;

/** An annotation: its name, the kinds of objects that may have it, and what its value decides. */
interface AnnotationRow {
  readonly name: string;
  readonly on: readonly ("pod" | "serviceAccount" | "namespace")[];
  /** "session" on a pod: a pin keeps the value. "injection": the server never reads it. */
  readonly decides: "role" | "session" | "injection";
}

/** Every annotation that podrole reads. The lists of annotations in podrole are derived from this table. */
export const ANNOTATION_TABLE = {
  role: { name: "iam.amazonaws.com/role", on: ["pod", "serviceAccount"], decides: "role" },
  /** Followed by a container's name: the role of that container only. Kubernetes leaves 58 characters for the name. */
  roleOfContainer: { name: "iam.amazonaws.com/role.", on: ["pod"], decides: "role" },
  /** RE2 expression that a role's ARN must match (kiam). */
  permitted: { name: "iam.amazonaws.com/permitted", on: ["namespace"], decides: "role" },
  /** JSON array of patterns (kube2iam). */
  allowedRoles: { name: "iam.amazonaws.com/allowed-roles", on: ["namespace"], decides: "role" },
  /** The role of pods that name none. */
  defaultRole: { name: "iam.amazonaws.com/default-role", on: ["namespace"], decides: "role" },
  /** Comma-separated names of the participating containers; absent: all. */
  containers: { name: "podrole.io/containers", on: ["pod"], decides: "role" },
  sessionName: { name: "iam.amazonaws.com/session-name", on: ["pod"], decides: "session" },
  externalId: { name: "iam.amazonaws.com/external-id", on: ["pod"], decides: "session" },
  /** Lifetime of the pod's sessions, within the server's limits. */
  sessionDuration: { name: "podrole.io/session-duration", on: ["pod"], decides: "session" },
  /** Comma-separated ARNs of managed policies that narrow the pod's sessions. */
  sessionPolicyArns: { name: "podrole.io/session-policy-arns", on: ["pod"], decides: "session" },
  /** A ConfigMap in the pod's namespace whose policy narrows the pod's sessions. */
  sessionPolicy: { name: "podrole.io/session-policy", on: ["pod"], decides: "session" },
  /** "disabled" opts out. */
  inject: { name: "podrole.io/inject", on: ["pod"], decides: "injection" },
  /** "native" or "classic". */
  mode: { name: "podrole.io/mode", on: ["pod"], decides: "injection" },
  /** "enabled" adds the instance metadata paths, "enabled-v1" also those without a token (IMDSv1). */
  metadata: { name: "podrole.io/metadata", on: ["pod"], decides: "injection" },
  /** "enabled" or "disabled": whether the namespace's pods get a pod certificate (Kubernetes 1.37) or a token. */
  podCertificates: { name: "podrole.io/pod-certificates", on: ["namespace"], decides: "injection" },
  /** Requests and limits of podrole's containers: a quantity, or "none". */
  sidecarCpuRequest: { name: "podrole.io/sidecar-cpu-request", on: ["pod", "namespace"], decides: "injection" },
  sidecarCpuLimit: { name: "podrole.io/sidecar-cpu-limit", on: ["pod", "namespace"], decides: "injection" },
  sidecarMemoryRequest: { name: "podrole.io/sidecar-memory-request", on: ["pod", "namespace"], decides: "injection" },
  sidecarMemoryLimit: { name: "podrole.io/sidecar-memory-limit", on: ["pod", "namespace"], decides: "injection" },
} as const satisfies Record<string, AnnotationRow>;

/** The smallest memory limit with which podrole-sidecar starts and renews. */
export const MIN_SIDECAR_MEMORY = "48Mi";

type AnnotationTable = typeof ANNOTATION_TABLE;
const ANNOTATION_ROWS: readonly AnnotationRow[] = Object.values(ANNOTATION_TABLE);

/** The annotations' names, by the keys of the table. */
export const ANNOTATIONS = Object.fromEntries(
  Object.entries(ANNOTATION_TABLE).map(([key, { name }]) => [key, name]),
) as { readonly [Key in keyof AnnotationTable]: AnnotationTable[Key]["name"] };

/** Annotations of pods; for the role of one container, the beginning of the name. */
export const POD_ANNOTATIONS = ANNOTATION_ROWS.filter(({ on }) => on.includes("pod")).map(({ name }) => name);

/** Reports whether an annotation of this name gives a role to the pod or to one of its containers. */
export function isRoleAnnotation(name: string): boolean {
  return name === ANNOTATIONS.role || name.startsWith(ANNOTATIONS.roleOfContainer);
}

/** Annotations of ServiceAccounts. */
export const ACCOUNT_ANNOTATIONS = ANNOTATION_ROWS.filter(({ on }) => on.includes("serviceAccount")).map(
  ({ name }) => name,
);

/** Annotations of pods that decide about sessions; a pin keeps their values. */
export const SESSION_ANNOTATIONS = ANNOTATION_ROWS.filter(
  ({ on, decides }) => on.includes("pod") && decides === "session",
).map(({ name }) => name);

/** Reports whether podrole reads an annotation of this name on a pod. */
export function isPodAnnotation(name: string): boolean {
  return POD_ANNOTATION_NAMES.has(name) || name.startsWith(ANNOTATIONS.roleOfContainer);
}

const POD_ANNOTATION_NAMES = new Set<string>(POD_ANNOTATIONS);

/**
 * In characters, of one annotation's value. The longest value of use is a list of MAX_CONTAINERS_WITH_ROLE containers,
 * which has 8 KiB.
 */
export const MAX_ANNOTATION_LENGTH = 16 * 1024;

/**
 * In bytes of names and values, as the API server counts them: it accepts no more on one object
 * (TotalAnnotationSizeLimitB).
 */
export const MAX_ANNOTATION_BYTES = 256 * 1024;

/** In characters: the names and values of all annotations of a pod that podrole reads. */
export const MAX_ANNOTATIONS_LENGTH = 32 * 1024;

/** Annotations that have an effect on other objects, and none on a pod. */
export const FOREIGN_TO_PODS = ANNOTATION_ROWS.filter(({ on }) => !on.includes("pod")).map(({ name }) => name);

/** Written on pods by injection, for people and tools: which role each container got. No program decides from it. */
export const RESOLVED_ANNOTATION = "podrole.io/resolved";

/** Labels, with the objects that carry them. */
export const LABELS = {
  /** Namespace: "enabled" opts in. */
  inject: "podrole.io/inject",
  /** Pod: set by injection. */
  injected: "podrole.io/injected",
  /** Pod: the reason why podrole does not inject a pod that names a role; set by the webhook. */
  skipped: "podrole.io/skipped",
  /** Every object of a try installation, whose STS is emulated. */
  tried: "podrole.io/try",
} as const;

/** Value of `LABELS.inject` on a namespace whose pods are injected. */
export const INJECT_ENABLED = "enabled";
/** Value of `LABELS.injected` on an injected pod. */
export const INJECTED_VALUE = "true";
const PART_OF = "app.kubernetes.io/part-of";
/** Labels of podrole's own objects: those of the manifests, and those that the server creates. */
export const OWN_LABELS = { [PART_OF]: "podrole" } as const;
/** Selects podrole's own objects, in the text form of label selectors. */
export const OWN_OBJECTS = `${PART_OF}=${OWN_LABELS[PART_OF]}`;
/** Selects the injected pods, in the text form of label selectors. */
export const INJECTED_PODS = `${LABELS.injected}=${INJECTED_VALUE}`;
/** Selects the pods that name a role and are not injected, in the text form of label selectors. */
export const SKIPPED_PODS = `${LABELS.skipped},${LABELS.injected}!=${INJECTED_VALUE}`;

/** True for the labels of a namespace that opts in. */
export function optsIn(labels: Readonly<Record<string, string>> = {}): boolean {
  return valueOf(labels, LABELS.inject) === INJECT_ENABLED;
}

/**
 * Returns a value for a cache: one that is longer than MAX_ANNOTATION_LENGTH is cut one character after it, and so
 * refused as the whole one would be. A copy, because a slice would keep the whole text in memory.
 */
export function cutAnnotation(value: string): string {
  if (value.length <= MAX_ANNOTATION_LENGTH) return value;
  return Buffer.from(value.slice(0, MAX_ANNOTATION_LENGTH + 1), "utf16le").toString("utf16le");
}

/** Returns the object's own value of `name`, undefined if absent. Ignores the properties of Object.prototype. */
export function valueOf(map: Readonly<Record<string, string>>, name: string): string | undefined {
  return Object.hasOwn(map, name) ? map[name] : undefined;
}

/**
 * JSON leaves these characters as they are; terminals interpret some of them (controls, bidirectional overrides, line
 * separators).
 */
const INVISIBLE_CHARACTERS = /[\p{C}\p{Zl}\p{Zp}]/gu;

/**
 * Makes an untrusted value safe for a message: quoted, invisible characters escaped, cut to 77 characters if it has
 * more than 80.
 */
export function quoted(value: string): string {
  const short = value.length > 80 ? `${value.slice(0, 77)}...` : value;
  return JSON.stringify(short).replaceAll(INVISIBLE_CHARACTERS, (character) =>
    Array.from({ length: character.length }, (_, index) => escapeUnit(character.charCodeAt(index))).join(""),
  );
}

function escapeUnit(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, "0")}`;
}
