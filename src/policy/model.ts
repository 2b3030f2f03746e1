// What policy is asked and what it answers: types only. decide.ts gives them to the rest of podrole.
import type { Refusal } from "../protocol/errors.ts";
import type { RoleArn } from "./role.ts";

export type AllowedRolesFormat = "glob" | "regexp";

/** The same at admission and at issue, or the two would decide differently. */
export interface PolicySettings {
  /** Ends in "/"; undefined: only full ARNs can be resolved. */
  readonly baseArn: string | undefined;
  /** Without a base ARN, at admission: the server detects its own, so only the server can resolve short role names. */
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
  /** The longest session that STS gives this server, milliseconds; longer ones are shortened to it. Absent: no such cap. */
  readonly sessionCapMs?: number;
  readonly sessionTags: boolean;
  /** Tags stay through role chaining, as EKS Pod Identity's do; a role further down then needs sts:TagSession for them. */
  readonly transitiveTags?: boolean;
  /** Names of pod labels that become session tags, with or without `sessionTags`. A pod's author chooses the values. */
  readonly sessionTagLabels?: readonly string[];
  readonly sourceIdentity: boolean;
  readonly clusterName: string | undefined;
  /** For the tag that EKS Pod Identity sets; clusters that are not EKS's have none. */
  readonly clusterArn?: string;
  /** Role of containers for which nothing else names one; the namespace must permit it as it must any other. */
  readonly defaultRole: string | undefined;
  /** ARN of a role → ARN of the role that is assumed before it. Roles that are not here have no hop of their own. */
  readonly firstHops?: Readonly<Record<string, string>>;
}

/** What a decision reads of a pod. `containers`: app and init containers, podrole's own left out. */
export interface PodFacts {
  readonly namespace: string;
  /** Not known at admission of a pod with generateName. */
  readonly name: string | undefined;
  /** Not known at admission. */
  readonly uid: string | undefined;
  readonly serviceAccount: string;
  readonly annotations: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly containers: readonly string[];
}

export interface Surroundings {
  readonly namespaceAnnotations: Readonly<Record<string, string>>;
  readonly serviceAccountAnnotations: Readonly<Record<string, string>>;
}

export interface SessionTag {
  readonly key: string;
  readonly value: string;
}

/** One input of sts:AssumeRole, which is also the key of the credential cache. */
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
}

/** Where a container's role was named: the first of these that names one counts. */
export type RoleOrigin = "container" | "pod" | "serviceAccount" | "namespace" | "default";

/** Holds what the audit line needs: who, what was asked and where, what it resolved to, and why not. */
export type RoleDecision = { readonly container: string; readonly asked: string; readonly origin: RoleOrigin } & (
  | { readonly allowed: true; readonly role: RoleArn }
  | ({
      readonly allowed: false;
      readonly role?: RoleArn;
      /** Not a denial: at admission, only the server can resolve this role name (`serverDetectsBaseArn`). */
      readonly undecided?: true;
    } & Refusal)
);

export interface PodDecision {
  /** One for each container that takes part and for which a role is named; empty when the pod is refused. */
  readonly roles: readonly RoleDecision[];
  /** Why the pod as a whole is refused: an annotation that nobody can follow. */
  readonly refusal?: Refusal;
  /** True when a role is named for a container that takes part, or the pod is refused over how it names roles. */
  readonly asksForRole: boolean;
}

/** How a namespace's annotation sees a role; `state` goes on "Cannot give role …: ". */
export type Verdict =
  | { readonly permitted: true }
  | { readonly permitted: false; readonly code: "ROLE_FORBIDDEN" | "PERMITTED_INVALID"; readonly state: string };
