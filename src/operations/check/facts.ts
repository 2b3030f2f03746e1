// The facts that checks judge: the state of the cluster, read once. collect.ts reads them; tests write them down.
import type { Kubelet } from "../../kubernetes/kubelets.ts";
import type {
  LimitRange,
  Namespace,
  ObjectMeta,
  Pod,
  ResourceQuota,
  ServiceAccount,
} from "../../kubernetes/objects.ts";
import type { LabelSelector } from "../../kubernetes/selectors.ts";
import type { SlotCertificate } from "../../pki/slots.ts";
import type { PodCertificateSupport } from "../../protocol/pod-certificates.ts";
import type { BlockedWorkload } from "../blocked-workloads.ts";
import type { Deployment, Installed, ProgramName } from "../installed.ts";
import type { Known } from "../known.ts";
import type { ReplicaSetObject } from "../replica-count.ts";
import type { RunningPods } from "../running-pods.ts";
import type { StateRead } from "../state/read-state.ts";
import type { MetadataProbe } from "./collect/metadata-probe.ts";
import type { Samples } from "./collect/metrics-pages.ts";
import type { AccessRight } from "./rights.ts";
import type { AdmissionPolicies } from "./tables/annotation-guard.ts";

/** A permission, and whether the API server's authorizers grant it. */
export interface JudgedRight {
  readonly right: AccessRight;
  readonly allowed: Known<boolean>;
}

/** A MutatingWebhookConfiguration, podrole's or another. */
export interface WebhookConfigurationObject {
  readonly metadata: ObjectMeta;
  readonly webhooks?: readonly RegisteredWebhook[];
}

/** The fields of a registered webhook that checks judge; absent ones have the API's defaults. */
export interface RegisteredWebhook {
  readonly name: string;
  readonly clientConfig: {
    readonly url?: string;
    readonly service?: { readonly namespace: string; readonly name: string };
    /** PEM in base64. */
    readonly caBundle?: string;
  };
  readonly rules?: readonly {
    readonly apiGroups?: readonly string[];
    readonly operations?: readonly string[];
    readonly resources?: readonly string[];
  }[];
  readonly namespaceSelector?: LabelSelector;
  readonly objectSelector?: LabelSelector;
  readonly failurePolicy?: string;
  readonly reinvocationPolicy?: string;
  readonly timeoutSeconds?: number;
}

/** The fields of a PodDisruptionBudget that checks judge. */
export interface DisruptionBudget {
  readonly metadata: ObjectMeta;
  readonly spec: { readonly selector?: LabelSelector };
}

/** The metrics page of one of podrole's pods. */
export interface PodPages {
  readonly program: ProgramName;
  readonly pod: string;
  readonly samples: Known<Samples>;
}

/** Result of the dry run of a pod that podrole's webhook must refuse. */
export type AdmissionAnswer =
  | { readonly answer: "refused by podrole" | "admitted"; readonly namespace: string }
  | { readonly answer: "not reached"; readonly namespace: string; readonly message: string };

/** Everything that checks judge. A fact that could not be read carries the reason. */
export interface Facts {
  /** Unix milliseconds. */
  readonly now: number;
  readonly cliVersion: string;
  /** podrole's own. */
  readonly namespace: string;
  readonly api: Known<{ readonly major: number; readonly minor: number }>;
  /** Whether the API server serves pod certificates. */
  readonly servesPodCertificates: Known<boolean>;
  readonly kubelets: Known<readonly Kubelet[]>;
  readonly ownRights: readonly JudgedRight[];
  readonly programRights: readonly JudgedRight[];
  readonly ownNamespace: Known<Namespace | undefined>;
  readonly deployments: Known<readonly Deployment[]>;
  readonly installed: Known<Installed>;
  readonly ownPods: Known<readonly Pod[]>;
  readonly ownReplicaSets: Known<readonly ReplicaSetObject[]>;
  readonly budgets: Known<readonly DisruptionBudget[]>;
  /** PEM of ConfigMap podrole-trust; undefined when there is none. */
  readonly trustBundle: Known<string | undefined>;
  /** Whether new pods get a pod certificate with --pod-certificates=auto, as the server has published it. */
  readonly publishedPodCertificates: Known<PodCertificateSupport | undefined>;
  readonly slots: Known<readonly SlotCertificate[]>;
  readonly webhookConfigurations: Known<readonly WebhookConfigurationObject[]>;
  readonly admissionPolicies: Known<AdmissionPolicies>;
  readonly admission: Known<AdmissionAnswer>;
  readonly pages: readonly PodPages[];
  readonly namespaces: Known<readonly Namespace[]>;
  readonly serviceAccounts: Known<readonly ServiceAccount[]>;
  readonly limitRanges: Known<readonly LimitRange[]>;
  readonly resourceQuotas: Known<readonly ResourceQuota[]>;
  readonly pods: Known<readonly Pod[]>;
  /** What pods of all namespaces do; read only if something is wrong that concerns all of them. */
  readonly running?: RunningPods;
  /** Workloads whose pods the API server does not create. */
  readonly blocked: Known<readonly BlockedWorkload[]>;
  /** True if the check is of one namespace, which is then expected to use podrole. */
  readonly isOneNamespace: boolean;
  /** What podrole's server says that pods hold. */
  readonly held: Known<StateRead>;
  readonly metadata: Known<MetadataProbe>;
}
