// What podrole explain reads about a pod, and what it returns: types only.
import type { EnvSources } from "../../injection/env-from.ts";
import type { NamespaceLimits } from "../../injection/namespace-limits.ts";
import type { Plan, PlanSettings } from "../../injection/plan.ts";
import type { Namespace, Pod, ServiceAccount } from "../../kubernetes/objects.ts";
import type { PolicySettings } from "../../policy/decide.ts";
import type { PodCertificateSupport } from "../../protocol/pod-certificates.ts";
import type { RegisteredWebhook } from "../check/facts.ts";
import type { ComparedPod } from "../copied-pod.ts";
import type { BlockedContext, WorkloadReplicas } from "../creation-failure.ts";
import type { InstallationFacts } from "../installation-facts.ts";
import type { ReplicaCount } from "../installed.ts";
import type { Known } from "../known.ts";
import type { Diagnosis } from "../sidecar-diagnosis.ts";
import type { SidecarState } from "../sidecar-state.ts";
import type { HeldPod } from "../state/last-refusals.ts";
import type { PodTrust } from "../untrusted-server.ts";
import type { LastRequest } from "./certificate-request.ts";

/** A pod and its surroundings. */
export interface ExplainInput {
  readonly kind: string;
  readonly name: string;
  /** The pod itself, or the one that a workload would create. */
  readonly pod: Pod;
  /** True for a pod of the cluster; false for workloads and manifests. */
  readonly exists: boolean;
  /** The file of an object that the cluster may not have; "-" for standard input. */
  readonly file?: string;
  readonly namespaceName: string;
  /** Undefined if it does not exist, or may not be read. */
  readonly namespace: Namespace | undefined;
  readonly serviceAccount: ServiceAccount | undefined;
  /** LimitRanges and ResourceQuotas of the namespace; absent: none. */
  readonly limits?: Known<NamespaceLimits>;
  /** ConfigMaps from which containers take variables, as far as they may be read. */
  readonly envSources?: EnvSources;
  /** Permissions without which the namespace or the ServiceAccount is unknown: "get on namespaces shop". */
  readonly missingRights?: readonly string[];
  /** Why a workload cannot create its pods, as its status says. */
  readonly failure?: string;
  /** The ResourceQuota that is the reason. */
  readonly quota?: BlockedContext["quota"];
  /** How many pods a workload has and wants; absent if unknown. */
  readonly replicas?: WorkloadReplicas | undefined;
  /** The pods of the namespace; absent if they were not read. */
  readonly neighbours?: Neighbours;
  /** What the server knows about a pod of the cluster; absent if it was not asked, because there is no such pod. */
  readonly held?: Known<HeldPod | undefined>;
  /** The pod's CAs beside the published ones; absent if unknown. */
  readonly trust?: PodTrust;
  /** The last request for the certificate of a pod that waits for one; absent if it waits for none. */
  readonly lastRequest?: LastRequest;
}

/** The other pods of a pod's namespace. */
export interface Neighbours {
  /** Names of those in the same state. */
  readonly alike: readonly string[];
  /** Those of which the pod may be a copy. */
  readonly originals: readonly ComparedPod[];
}

/** What decides about pods, as it is installed. */
export interface ExplainPolicy {
  readonly plan: PlanSettings;
  /** The server's settings, which decide session names. */
  readonly sessions: PolicySettings;
  /** What the server has published about pod certificates; absent unless that decides (--pod-certificates=auto). */
  readonly publishedSupport?: Known<PodCertificateSupport | undefined>;
}

/** The installation, as far as the caller may read it. Nothing is assumed in place of what is unknown. */
export interface ExplainSettings {
  /** When it was read, in Unix milliseconds; absent if there is no cluster. */
  readonly now?: number;
  /** How it was installed, and settings that commands depend on. */
  readonly installation?: InstallationFacts;
  readonly policy: Known<ExplainPolicy>;
  /** podrole's webhooks as they are registered with the API server. */
  readonly webhooks: Known<readonly RegisteredWebhook[]>;
  /** When the oldest configuration that registers them was created, RFC 3339; absent if unknown. */
  readonly registeredAt?: string;
  /** The server's replicas; undefined if no Deployment runs it. */
  readonly server: Known<ReplicaCount | undefined>;
  /** The published trust bundle as PEM; absent if it was not read. */
  readonly trustBundle?: string;
  /** Where the settings were read: "Deployment podrole-webhook". */
  readonly sources: readonly string[];
  /** Settings of the webhook that are used for those of the server, because the latter are unknown. */
  readonly assumptions: readonly string[];
}

/** Which role a container gets, or why it gets none. */
export interface ContainerExplanation {
  readonly container: string;
  /** ARN; absent if no role is named, or its name cannot be resolved. */
  readonly role?: string;
  readonly allowed: boolean;
  /** Not a denial: only the server can resolve the role name. */
  readonly undecided?: true;
  /** What names the role: container, pod, serviceAccount, namespace, default, or pin (--pin-roles). */
  readonly namedBy?: string;
  readonly sessionName?: string;
  readonly code?: string;
  /** Why it has no role, or not this one. */
  readonly message?: string;
}

/** What a container of an injected pod got at admission, and what it holds. */
export interface ContainerInPod {
  readonly container: string;
  /** ARN or name of its role at admission; absent if it got none, or if the pod does not say (`admittedBy`). */
  readonly admitted?: string;
  /** What says so; absent if the pod has neither. */
  readonly admittedBy?: "pin" | "podrole.io/resolved";
  /** ARN of the role whose credentials it holds, or held last, by the server's answer. */
  readonly holds?: string;
  /** Absent for what a server issued or refused; a pod may report anything about itself. */
  readonly source?: "reported";
  /** RFC 3339. */
  readonly expires?: string;
  readonly renewed?: string;
  /** Code of the last refusal; absent if the last result contained credentials. */
  readonly code?: string;
  /** Why it is unknown what the container holds. */
  readonly unknown?: string;
}

/** A pod of the cluster as it is, whatever would happen to a new one. */
export interface ExistingPod {
  readonly injected: boolean;
  readonly since: string;
  readonly sidecar?: string;
  readonly sidecarNow?: string;
  /** Of an injected pod, unless it has succeeded. */
  readonly state?: SidecarState;
  /** The phase of a pod that has ended and does not start again. */
  readonly ended?: "Succeeded" | "Failed";
  /** Why the sidecar is not ready, from what the cluster knows besides the sidecar's own state. */
  readonly causes?: readonly string[];
  /** Of an injected pod that has not finished. */
  readonly containers?: readonly ContainerInPod[];
  /** AWS account of the server's own identity; absent if the server was not asked, or does not say. */
  readonly serverAccount?: string;
  /** True if the pod looks like a copy that `kubectl debug` made without labels and annotations. */
  readonly isCopy?: true;
  /** Where the decision of now differs from what containers hold, or got at admission. */
  readonly differences?: readonly string[];
}

/**
 * What podrole does with a pod. Programs read the names of the fields, so they do not change. A pod that is well, or
 * that is still being started, has no diagnosis.
 */
export interface Explanation extends Partial<Diagnosis> {
  readonly object: string;
  /** True if an existing pod is injected, or if a new one would be. */
  readonly injected: boolean;
  /** Set if the caller may not read whether the API server calls podrole's webhook for this pod. */
  readonly undecided?: true;
  /** What the webhook would do if the pod were created now; "unknown" if the caller may not read what decides. */
  readonly now: {
    readonly decision: Plan["decision"] | "unknown";
    readonly reason: Plan["reason"] | "SETTINGS_UNREADABLE";
    readonly message: string;
    readonly warnings: readonly string[];
  };
  /** Why a new pod would not be as `now` says; absent if nothing stands in the way. */
  readonly obstacle?: string;
  /** What the webhook would do if what stands in the way, or keeps the pod from it, were not there. */
  readonly afterwards?: {
    /** What has to be done first, such as "the webhook is registered". */
    readonly condition: string;
    readonly decision: Plan["decision"];
    readonly reason: Plan["reason"];
    readonly message: string;
  };
  /** Only for a pod that exists. */
  readonly existing?: ExistingPod;
  /** Why a workload cannot create its pods, as its status says. */
  readonly failure?: string;
  readonly containers: readonly ContainerExplanation[];
  /** What to do next, in this order: commands with their purpose as a comment; none for a pod that is well. */
  readonly next: readonly string[];
  /** What may make the outcome differ from the plan. */
  readonly notes: readonly string[];
  readonly settings: readonly string[];
}
