// What the server answers about its state: what each pod holds, what was refused, the CA, and the use of STS. Types and
// constants only. Times are RFC 3339 texts. No answer contains a secret: no access key, no token, no private key.
//
// The form has a version. Within one version fields are only added, and a reader ignores fields that it does not know.

/** Version of the form. A reader refuses an answer of another version. */
export const STATE_VERSION = 1;

/** Path of the answer, on the server's state port. It is also the non-resource URL that a caller needs `get` on. */
export const STATE_PATH = "/podrole/state";

/** Header with the caller's token. The API server's proxy removes `Authorization`. */
export const STATE_TOKEN_HEADER = "x-podrole-token";

/** What one container of a pod holds, and the last result for it. */
export interface ContainerHolding {
  readonly container: string;
  /** ARN of the role whose credentials it holds, or held last; absent if it has never held any. */
  readonly role?: string;
  /** When these credentials expire. */
  readonly expiresAt?: string;
  /** When they were issued; absent if no replica issued them since its start. */
  readonly renewedAt?: string;
  /** Code of the last refusal; absent if the last result contained credentials. Valid credentials may remain. */
  readonly code?: string;
  /** Since when the role and the code are what they are. */
  readonly since: string;
  /** Time of the last result or report: of two replicas, the one with the later time is right. */
  readonly observedAt: string;
  /** "issued": by the server. "reported": by the sidecar in its next call, and true only as far as the pod is. */
  readonly source: "issued" | "reported";
}

/** What the server knows about one injected pod that has not finished. */
export interface PodState {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly serviceAccount: string;
  /** Absent until the pod is scheduled. */
  readonly node?: string;
  /** Restarts of podrole-sidecar, if the kubelet has reported its status. */
  readonly sidecarRestarts?: number;
  /** Empty while nothing is known. */
  readonly containers: readonly ContainerHolding[];
  /**
   * Set if nothing is known: the pod has not called since this start of the server. It is reported with the pod's next
   * call, at half of its credentials' lifetime at the latest.
   */
  readonly unknownSince?: string;
}

/** Equal refusals of one container, counted together. */
export interface RefusalRecord {
  /** Of the last one. */
  readonly time: string;
  /** Of the first one. */
  readonly since: string;
  readonly count: number;
  readonly namespace: string;
  readonly pod: string;
  readonly uid: string;
  /** Empty if the whole pod was refused before a container was considered. */
  readonly container: string;
  /** ARN, if one had been decided. */
  readonly role?: string;
  /** A key of the error table of the server that wrote it. */
  readonly code: string;
  /** Message of the last one, cut after 500 characters. */
  readonly reason: string;
}

/** Refusals of the last 24 hours, the newest first. */
export interface RefusalRecords {
  /** The records are complete from this time on; earlier refusals are in the audit log alone. */
  readonly recordedSince: string;
  /** When this replica last wrote its records where all replicas merge them; absent if it never has. */
  readonly sharedAt?: string;
  readonly rows: readonly RefusalRecord[];
}

/** One CA of the bundle, without its key. */
export interface TrustSlot {
  /** "own": a CA that the operator provides in files; its rotation is the operator's. */
  readonly slot: "next" | "current" | "previous" | "own";
  readonly subject: string;
  /** SHA-256 of the certificate, in the format of openssl. */
  readonly fingerprint: string;
  /** Published since (next), signing since (current), replaced since (previous); absent for "own". */
  readonly since?: string;
  readonly expiresAt: string;
  /** Longest lifetime of a certificate that this CA has signed; absent if no server recorded one. */
  readonly longestLeafSeconds?: number;
}

/** The CA and its rotation. */
export interface TrustState {
  readonly slots: readonly TrustSlot[];
  /** Lifetime of the certificates that the server signs now. */
  readonly leafSeconds: number;
  /** When the server's own serving certificate expires; absent in a merged answer of several replicas. */
  readonly servingExpiresAt?: string;
  /** Steps that the servers take without an operator, the soonest first. */
  readonly outlook: readonly { readonly step: "publish" | "sign" | "forget"; readonly at: string }[];
  /** Steps of `podrole rotate` that are refused now, and what they wait for. */
  readonly waitsFor: readonly { readonly step: "prepare" | "activate" | "retire"; readonly reason: string }[];
}

/** Calls to STS that the pods of one namespace needed in the window. */
export interface NamespaceUsage {
  readonly namespace: string;
  readonly calls: number;
  /** Of all calls in the window, from 0 to 1. */
  readonly share: number;
}

/** AssumeRole calls of one minute. */
export interface StsMinute {
  /** When the minute began. */
  readonly at: string;
  readonly ok: number;
  readonly failed: number;
}

/** The use of STS. Counts of a merged answer are sums over the replicas. */
export interface StsState {
  /** AssumeRole calls since the server's start, by result: OK or a key of the error table. */
  readonly results: Readonly<Record<string, number>>;
  /** Calls that wait for their turn now. */
  readonly waiting: number;
  /** Calls that were refused since the server's start: the rate was reached, or STS had throttled earlier ones. */
  readonly heldBack: { readonly rate: number; readonly pause: number };
  /** Length of the window of `namespaces`, in seconds: the last one to two minutes. */
  readonly windowSeconds: number;
  /** The namespaces with most calls, at most 100. */
  readonly namespaces: readonly NamespaceUsage[];
  /** Minutes of the last hour with calls, the oldest first; absent from a server that does not count them. */
  readonly minutes?: readonly StsMinute[];
}

/** The replica of the server that answered. */
export interface ServerReplica {
  /** Name of its pod. */
  readonly name: string;
  /** podrole's version. */
  readonly version: string;
  readonly startedAt: string;
  /** By the replica's clock. */
  readonly answeredAt: string;
  /** AWS account of the identity with which it assumes roles; absent until STS has returned it. */
  readonly account?: string;
  /** What does not work, as /readyz reports it; empty if it is well. */
  readonly problems: readonly string[];
}

/**
 * One page of one replica's answer. Only the first page has `refusals`, `trust` and `sts`; the answer for one namespace
 * has neither `trust` nor `sts`, and the pods and refusals of that namespace alone.
 */
export interface StatePage {
  readonly version: typeof STATE_VERSION;
  readonly replica: ServerReplica;
  /** The namespace of the answer; absent if it is about the whole cluster. */
  readonly namespace?: string;
  /** Number of pods on all pages. */
  readonly podCount: number;
  /** Ordered by namespace, then by name. */
  readonly pods: readonly PodState[];
  /** Value of the query parameter `continue` for the next page; absent on the last one. */
  readonly next?: string;
  readonly refusals?: RefusalRecords;
  readonly trust?: TrustState;
  readonly sts?: StsState;
}

/** The answers of the replicas as one. */
export interface ClusterState {
  /** Those that answered, by name. */
  readonly replicas: readonly ServerReplica[];
  readonly namespace?: string;
  /** Ordered by namespace, then by name. */
  readonly pods: readonly PodState[];
  readonly refusals?: RefusalRecords;
  readonly trust?: TrustState;
  readonly sts?: StsState;
}
