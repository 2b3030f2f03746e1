// What the page of podrole ui receives: types only. Times are RFC 3339 texts. Nothing here contains a secret: no access
// key, no token, no private key. Within one version of podrole the page and its command belong together.
import type { ServerReplica, StsState, TrustState } from "../../protocol/state/model.ts";
import type { Explanation } from "../explain/model.ts";
import type { Known } from "../known.ts";
import type { MigrationReport, WorkloadGroup } from "../migrate/report.ts";
import type { NamespaceMove } from "../migrate/waves.ts";
import type { Status, UnknownPart } from "../status/model.ts";

/** Parts of a reading of which each may be partly unknown. */
export type UiPart = "pods" | "refusals" | "trust" | "sts" | "namespaces";

/** What a namespace says about roles. */
export interface UiNamespace {
  readonly name: string;
  /** Whether podrole injects new pods in it: label podrole.io/inject: enabled. */
  readonly isLabelled: boolean;
  /** Values of its annotations that permit roles; absent ones permit nothing. */
  readonly permitted?: string;
  readonly allowedRoles?: string;
}

/** How the CA is rotated: the server's answer without its slots, which are rows of the status. */
export type UiRotation = Omit<TrustState, "slots">;

/** One reading of the cluster and of podrole's server: the rows of podrole status, and what the views add. */
export interface UiSnapshot extends Required<Pick<Status, "at" | "installation" | "pods" | "refusals" | "trust">> {
  /** Version of the command line. */
  readonly version: string;
  /** The namespace of the rows; absent for all namespaces. */
  readonly namespace?: string;
  /** The refusals are complete from this time on. */
  readonly refusalsSince?: string;
  /** Longest lifetime of a leaf certificate by the fingerprint of its CA, in seconds. */
  readonly leafSeconds: Readonly<Record<string, number>>;
  readonly rotation?: UiRotation;
  readonly sts?: StsState;
  /** Those that answered. */
  readonly replicas: readonly ServerReplica[];
  readonly namespaces: readonly UiNamespace[];
  /** What an error code means in one short sentence, and its remedy; for the codes of this reading. */
  readonly briefs: Readonly<Record<string, string>>;
  readonly remedies: Readonly<Record<string, string>>;
  /** By ARN of a role that STS denied: a role that containers hold, and whose name is almost the same. */
  readonly similarRoles: Readonly<Record<string, string>>;
  /** Pods, as "namespace/name", that have not renewed since the current CA began to sign, and should have. */
  readonly earlierCaPods: readonly string[];
  readonly unknown: Readonly<Record<UiPart, readonly UnknownPart[]>>;
  /** Set if the API server did not answer later readings: everything else is of an earlier one. */
  readonly stale?: { readonly since: string; readonly why: string };
}

/** An Event of a pod. */
export interface UiEvent {
  readonly time: string;
  readonly type: string;
  readonly reason: string;
  readonly message: string;
  readonly count: number;
}

/** One pod: the decision on it, and its Events, newest first. */
export interface UiPod {
  readonly explanation: Known<Explanation>;
  readonly events: Known<readonly UiEvent[]>;
}

/** One step in the life of a pod, from the audit log. */
export interface UiAuditStep {
  readonly at: string;
  readonly what: string;
  readonly text: string;
}

/** Who could have a role: what every namespace decides about a pod that names it. */
export interface UiRoleUser {
  readonly namespace: string;
  readonly isLabelled: boolean;
  readonly isPermitted: boolean;
  /** Why not. */
  readonly why?: string;
}

/** The migration from one predecessor. */
export interface UiMigration {
  readonly report: Pick<MigrationReport, "from" | "pods" | "counts" | "moved" | "withoutRole" | "general" | "problems">;
  readonly waves: readonly (readonly UiMove[])[];
  /** Namespaces that need work first. */
  readonly postponed: readonly UiMove[];
  /** Workloads whose pods podrole would refuse, by namespace; at most a hundred. */
  readonly refused: readonly UiRefusedWorkload[];
}

/** A workload whose pods podrole would refuse. */
export type UiRefusedWorkload = Pick<WorkloadGroup, "namespace" | "kind" | "name" | "pods"> & {
  /** Why, and what to do. */
  readonly findings: readonly string[];
};

/** A namespace that has not moved yet. */
export type UiMove = Pick<NamespaceMove, "name" | "pods" | "risk"> & {
  /** Texts of the findings, each once. */
  readonly findings: readonly string[];
};
