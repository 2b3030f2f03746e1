// Input and output of policy: types only. decide.ts exports them to the rest of podrole.
import type { Refusal } from "../protocol/errors.ts";
import type { RoleArn } from "./role.ts";

/** Format of the patterns in iam.amazonaws.com/allowed-roles (kube2iam's --namespace-restriction-format). */
export type AllowedRolesFormat = "glob" | "regexp";

/** Settings of policy. They must be the same at admission and at issue; otherwise the two would decide differently. */
export interface PolicySettings {
  /** Ends in "/"; undefined: only full ARNs can be resolved. */
  readonly baseArn: string | undefined;
  /**
   * Set at admission without a base ARN: the server detects its own, so only the server can resolve short role names.
   */
  readonly serverDetectsBaseArn?: true;
  /** False: iam.amazonaws.com/permitted may match anywhere in the ARN (kiam's --disable-strict-namespace-regexp). */
  readonly strictNamespaceRegexp: boolean;
  readonly allowedRolesFormat: AllowedRolesFormat;
  readonly sessionName:
    | { readonly kind: "template"; readonly template: string }
    | { readonly kind: "kiam"; readonly session: string };
  /** Milliseconds, 15 minutes to 12 hours. */
  readonly sessionDurationMs: number;
  /** The longest lifetime that podrole.io/session-duration may request, milliseconds; sessionDurationMs if absent. */
  readonly maxSessionDurationMs?: number;
  /**
   * The longest session that STS gives this server, milliseconds; longer ones are shortened to it. Absent: no such cap.
   */
  readonly sessionCapMs?: number;
  readonly sessionTags: boolean;
  /**
   * Tags persist through role chaining, as EKS Pod Identity's do; roles further down the chain then need
   * sts:TagSession.
   */
  readonly transitiveTags?: boolean;
  /**
   * Names of pod labels that become session tags, with or without `sessionTags`. The pod's author controls the values.
   */
  readonly sessionTagLabels?: readonly string[];
  readonly sourceIdentity: boolean;
  readonly clusterName: string | undefined;
  /** For the tag that EKS Pod Identity sets; other clusters have no such ARN. */
  readonly clusterArn?: string;
  /** Role of containers for which no annotation names one; the namespace must permit it like any other. */
  readonly defaultRole: string | undefined;
  /** ARN of a role → ARN of the role to assume before it. Absent roles have no hop of their own. */
  readonly firstHops?: Readonly<Record<string, string>>;
  /** The webhook pins what it decides in the pod's spec, and the server gives nothing else (pin.ts). */
  readonly pinRoles?: true;
}

/** The parts of a pod that a decision reads. `containers`: app and init containers, without podrole's own. */
export interface PodFacts {
  readonly namespace: string;
  /** Unknown at admission of a pod with generateName. */
  readonly name: string | undefined;
  /** Unknown at admission. */
  readonly uid: string | undefined;
  readonly serviceAccount: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly containers: readonly string[];
  /** The pod's pin as podrole-sidecar has it, absent if it has none. Untrusted text. */
  readonly pin?: string;
}

/** The annotations that a pod inherits, from its namespace and its ServiceAccount. */
export interface InheritedAnnotations {
  readonly namespaceAnnotations: Readonly<Record<string, string>>;
  readonly serviceAccountAnnotations: Readonly<Record<string, string>>;
}

/** A session tag of STS. */
export interface SessionTag {
  readonly key: string;
  readonly value: string;
}

/** Input of one sts:AssumeRole, from which the credential cache derives its key. */
export interface AssumeRoleInput {
  readonly roleArn: string;
  readonly sessionName: string;
  readonly durationSeconds: number;
  readonly externalId?: string;
  readonly tags?: readonly SessionTag[];
  /** All of `tags` are transitive. */
  readonly transitiveTags?: true;
  readonly sourceIdentity?: string;
  readonly policyArns?: readonly string[];
  /** JSON text of an inline session policy. */
  readonly policy?: string;
  /** ARN of the role to assume before this one (`firstHops`). */
  readonly via?: string;
  /**
   * Uid of the only pod that gets this session; not sent to STS. Set if the session's name is meant for one pod: a
   * session that two pods shared by that name would have one access key, by which CloudTrail could not tell them apart.
   */
  readonly onlyForUid?: string;
}

/** Where a container's role is named; the first of these that names one counts. */
export type RoleOrigin = "container" | "pod" | "serviceAccount" | "namespace" | "default";

/** The decision on one container: what names its role, and whether the container may have that role. */
export type RoleDecision = { readonly container: string; readonly asked: string; readonly origin: RoleOrigin } & (
  | { readonly outcome: "allowed"; readonly role: RoleArn; readonly refusal?: never }
  /** Without a role if its name cannot be resolved. */
  | { readonly outcome: "refused"; readonly role?: RoleArn; readonly refusal: Refusal }
  /** At admission: only the server can resolve this role name (`serverDetectsBaseArn`). A refusal anywhere else. */
  | { readonly outcome: "undecided"; readonly role?: never; readonly refusal: Refusal }
);

/** The decisions on all containers of a pod. */
export interface PodDecision {
  /** One per participating container for which a role is named; empty if the pod is refused. */
  readonly roles: readonly RoleDecision[];
  /** Why the whole pod is refused: an annotation that cannot be followed. */
  readonly refusal?: Refusal;
}
