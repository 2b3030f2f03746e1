// What podrole status returns: types only. Programs read the names of the fields, so they do not change within a
// version. Times are RFC 3339 texts.
import type { BlockedWorkload } from "../blocked-workloads.ts";
import type { InstallationFacts } from "../installation-facts.ts";
import type { ReplicaCount } from "../installed.ts";
import type { StepFields } from "../next-steps.ts";
import type { Diagnosis } from "../sidecar-diagnosis.ts";
import type { SidecarPhase } from "../sidecar-state.ts";

/** What the command shows. */
export type StatusTopic = "pods" | "roles" | "refusals" | "trust";

/** What a pod is: the phase of its sidecar, or why it has none; "unknown" if only the server knows the pod. */
export type PodRowPhase = SidecarPhase | "not injected" | "terminating" | "unknown";

/** Where a role was read: the server's answer, the pod's pin, or its annotation podrole.io/resolved. */
export type RoleSource = "server" | "pin" | "admission";

/**
 * One container of a pod that uses podrole, or of one that names a role and is not injected. A pod that is well, or
 * that is still being started, has no diagnosis.
 */
export interface PodRow extends StepFields, Partial<Diagnosis> {
  readonly namespace: string;
  readonly pod: string;
  /** Empty if it is not known which containers have a role. */
  readonly container: string;
  /** ARN, or the role's name if only the server can resolve it. */
  readonly role?: string;
  readonly roleFrom?: RoleSource;
  /** The role as the pod's annotation names it now, if that is another one than `role`. */
  readonly requestedRole?: string;
  /** The role as the pod's annotation names it, of a pod that is not injected. */
  readonly namedRole?: string;
  /** The pod's own annotation that names a role for the container; absent if none does, or if the pod is not known. */
  readonly roleAnnotation?: string;
  readonly phase: PodRowPhase;
  /** True for a copy without a role, as `kubectl debug` makes it, out of which podrole took its sidecar. */
  readonly isCopy?: true;
  /** The kubelet's reason, such as CrashLoopBackOff, or the scheduler's. */
  readonly reason?: string;
  /** When the held credentials expire, and when they were issued: by the server alone. */
  readonly expires?: string;
  readonly renewed?: string;
  /** Code of the last refusal, by the server or by the sidecar's last end; absent if there is none. */
  readonly code?: string;
  /** Reason and remedy that the sidecar left behind. */
  readonly message?: string;
  /** Why it is unknown what the container holds. */
  readonly unknown?: string;
  readonly restarts: number;
  /** When the pod was created. */
  readonly created?: string;
  readonly sidecar?: string;
  readonly node?: string;
  /** What an operator would restart, as "Deployment/orders"; absent if only the server knows the pod. */
  readonly workload?: string;
  readonly uid?: string;
}

/** One role, and what uses it. */
export interface RoleRow {
  /** ARN, or the role's name if only the server can resolve it. */
  readonly role: string;
  readonly pods: number;
  readonly containers: number;
  /** Containers whose sidecar is ready. */
  readonly ready: number;
  readonly namespaces: readonly string[];
  /** The soonest expiry of its credentials, if the server told it. */
  readonly nearestExpiry?: string;
  /** Code → containers whose last refusal has it. */
  readonly codes: Readonly<Record<string, number>>;
}

/** Equal refusals of one container. */
export interface RefusedRow extends StepFields, Partial<Diagnosis> {
  /** Of the last one. */
  readonly time: string;
  /** Of the first one; absent if unknown. */
  readonly since?: string;
  readonly count: number;
  readonly namespace: string;
  /** Name of the pod; "replicaset/orders-5d9f" for pods that were refused before they had a name. */
  readonly pod: string;
  /** Empty if the whole pod was refused. */
  readonly container: string;
  readonly role?: string;
  readonly code: string;
  readonly message: string;
  /** Where it was read: the server's records, an Event of the pod, or the pod's sidecar. */
  readonly from: "server" | "event" | "sidecar";
}

/** One CA, and who trusts it. */
export interface TrustRow {
  /** Absent if only the published bundle may be read. */
  readonly slot?: "next" | "current" | "previous" | "own";
  readonly subject: string;
  /** SHA-256 of the certificate, in the format of openssl. */
  readonly fingerprint: string;
  readonly expires: string;
  readonly since?: string;
  /** Whether it is in the trust bundle's ConfigMap, and in caBundle of every webhook of podrole; absent if unknown. */
  readonly inBundle?: boolean;
  readonly inCaBundle?: boolean;
}

/** podrole's installation, as far as it may be read. */
export interface InstallationState {
  readonly namespace: string;
  /** Absent if unknown or if no Deployment runs it; `unknown` of the status tells the two apart. */
  readonly server?: ReplicaCount;
  readonly webhook?: ReplicaCount;
  /** Whether the API server calls podrole's webhook. */
  readonly isRegistered?: boolean;
  /** True if it is known that neither program is deployed and no webhook is registered. */
  readonly isAbsent: boolean;
  /** How it was installed, and its settings, as far as they may be read. */
  readonly facts?: InstallationFacts;
}

/** A part of the answer that could not be read. */
export interface UnknownPart {
  /** "what containers hold", "pods". */
  readonly what: string;
  readonly why: string;
  /** Permissions that the caller lacks: "list on pods in namespace shop". */
  readonly needs: readonly string[];
}

/** The answer. Only the topic's own rows are set. */
export interface Status {
  readonly topic: StatusTopic;
  readonly at: string;
  /** The namespace of the rows; absent for all namespaces. */
  readonly namespace?: string;
  /** Whether that namespace has the label podrole.io/inject: enabled; absent for all namespaces, or if unknown. */
  readonly isLabelled?: boolean;
  readonly installation: InstallationState;
  /** AWS account of the server's own identity; absent if the server does not say. */
  readonly serverAccount?: string;
  readonly pods?: readonly PodRow[];
  /** Of the last 20 minutes; absent if Events may not be read. */
  readonly blocked?: readonly BlockedWorkload[];
  readonly roles?: readonly RoleRow[];
  readonly refusals?: readonly RefusedRow[];
  /** The refusals are complete from this time on. */
  readonly refusalsSince?: string;
  readonly trust?: readonly TrustRow[];
  readonly unknown: readonly UnknownPart[];
}
