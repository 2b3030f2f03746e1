// Every call that podrole's programs make to the Kubernetes API; their ClusterRoles allow exactly these. Types only, so
// that callers and their tests need no client. A missing object is `undefined` and a lost race is the value "conflict"
// or "exists"; every other failure is thrown as an ApiError (errors.ts).
import type { ErrorCode } from "../protocol/errors.ts";
import type { Secret, SecretData } from "../runtime/secret.ts";
import type { Kubelet } from "./kubelets.ts";
import type {
  Namespace,
  ObjectMeta,
  Pod,
  PodCertificateRequest,
  PodCertificateStatus,
  ServiceAccount,
} from "./objects.ts";

/** The API server's verdict on a token (authentication.k8s.io/v1 TokenReview, status). */
export interface TokenReview {
  readonly authenticated: boolean;
  /**
   * Those of the requested audiences that the token has; an empty list means that the API server did not check them.
   */
  readonly audiences: readonly string[];
  readonly username: string;
  readonly uid: string;
  readonly groups: readonly string[];
  readonly extra: Readonly<Record<string, readonly string[]>>;
  /** The API server's reason for `authenticated: false`, otherwise "". */
  readonly error: string;
}

/** The user behind a token, as a TokenReview describes it. */
export type ReviewedUser = Pick<TokenReview, "username" | "uid" | "groups" | "extra">;

/** What a user wants to do (authorization.k8s.io/v1 SubjectAccessReview, spec): with a path, or with a resource. */
export type AccessAttributes =
  | { readonly nonResourceAttributes: { readonly path: string; readonly verb: string } }
  | {
      readonly resourceAttributes: {
        readonly group: string;
        readonly resource: string;
        readonly verb: string;
        readonly namespace: string;
      };
    };

/** A Secret, its values wrapped so that they are never printed. */
export interface KubeSecret {
  readonly metadata: ObjectMeta;
  /** Decoded from base64. */
  readonly data: Readonly<Record<string, Secret>>;
}

/** Metadata that an object gets when it is created; later writes leave it unchanged. */
export interface CreationMetadata {
  readonly labels?: Readonly<Record<string, string>>;
  /** Objects in the same namespace: when all of them are gone, the garbage collector deletes this object. */
  readonly owners?: readonly OwnerReference[];
}

/** An owner reference (metav1.OwnerReference). */
export interface OwnerReference {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

/** The parts of a MutatingWebhookConfiguration that podrole reads and writes. */
export interface WebhookConfiguration {
  readonly resourceVersion: string;
  /** `caBundle` is PEM, decoded; absent if the API server uses its host's own roots. */
  readonly webhooks: readonly { readonly name: string; readonly caBundle?: string }[];
}

/** A core/v1 Event on a pod, shown by `kubectl describe pod`. The API server keeps it for an hour. */
export interface PodEvent {
  readonly namespace: string;
  readonly pod: { readonly name: string; readonly uid: string };
  readonly type: "Normal" | "Warning";
  readonly reason: ErrorCode;
  /** Truncated to 1024 characters. */
  readonly message: string;
}

/** A core/v1 Event on the owner of pods, such as a DaemonSet. */
export interface OwnerEvent {
  readonly namespace: string;
  readonly owner: OwnerReference;
  readonly reason: string;
  /** Truncated to 1024 characters. */
  readonly message: string;
}

/** The resources that podrole's programs read or write, by their RBAC names. */
export type Resource =
  | "pods"
  | "namespaces"
  | "nodes"
  | "serviceaccounts"
  | "limitranges"
  | "resourcequotas"
  | "secrets"
  | "configmaps"
  | "events"
  | "mutatingwebhookconfigurations"
  | "podcertificaterequests"
  | "clustertrustbundles"
  | "tokenreviews"
  | "subjectaccessreviews";

/** The additional resources that an operator's command reads or writes, with the operator's own rights. */
export type OperatorResource =
  | "services"
  | "deployments"
  | "replicasets"
  | "statefulsets"
  | "daemonsets"
  | "jobs"
  | "cronjobs"
  | "poddisruptionbudgets"
  | "validatingadmissionpolicies"
  | "validatingadmissionpolicybindings"
  | "selfsubjectaccessreviews";

/** Which objects of a resource to list and watch. */
export interface Selector {
  /** Absent: the whole cluster. */
  readonly namespace?: string;
  /** Text form, such as "team=shop,tier!=db". */
  readonly labelSelector?: string;
  /** For example "metadata.name=podrole-trust": a single object, so that a Role can name it. */
  readonly fieldSelector?: string;
}

/** One page of a list. */
export interface ListPage<Item> {
  readonly items: readonly Item[];
  /** The revision of the whole list, not only of this page; a watch starts from it. */
  readonly resourceVersion: string;
  /** Continue token of the next page; absent on the last one. */
  readonly next?: string;
}

/**
 * OPENED comes first: the API server accepted the watch, and every change after the given version follows. A bookmark
 * carries no object: it confirms that a cache is current as of `resourceVersion`. TOO_LARGE is a change of an object
 * that is larger than podrole reads: it may still exist, and only its name, namespace and version are known.
 */
export type WatchEvent<Item> =
  | { readonly type: "OPENED" }
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: Item }
  | { readonly type: "TOO_LARGE"; readonly object: { readonly metadata: ObjectMeta } }
  | { readonly type: "BOOKMARK"; readonly resourceVersion: string };

/**
 * List and watch of one resource: the input of a reflector. Both throw ApiError. An ERROR line of a watch is thrown as
 * well, so that "410 Gone" is one case in whichever form the API server sends it.
 */
export interface ListWatch<Item> {
  /** For logs, such as "pods" or "configmaps in podrole". */
  readonly name: string;
  list(request: {
    /** Objects per page; 0 requests all of them in one response. */
    readonly limit: number;
    /** `next` of the previous page. */
    readonly next?: string | undefined;
    readonly signal: AbortSignal;
  }): Promise<ListPage<Item>>;
  /** Ends when the API server ends the watch (`timeoutSeconds`); throws if anything else ends it. */
  watch(request: {
    readonly resourceVersion: string;
    readonly timeoutSeconds: number;
    readonly signal: AbortSignal;
  }): AsyncIterable<WatchEvent<Item>>;
}

/** The calls of podrole's programs. Each throws ApiError. */
export interface Kubernetes {
  reviewToken(token: Secret, audience: string): Promise<TokenReview>;
  /** Reports whether the API server's authorizer allows the user this access. */
  reviewAccess(user: ReviewedUser, access: AccessAttributes): Promise<boolean>;
  /** Returns the public keys of ServiceAccount tokens that the API server publishes, as JSON Web Keys (RFC 7517). */
  getTokenKeys(): Promise<readonly Readonly<Record<string, unknown>>[]>;
  getPod(namespace: string, name: string): Promise<Pod | undefined>;
  /** Returns only its metadata, as getServiceAccount() does. */
  getNamespace(name: string): Promise<Namespace | undefined>;
  getServiceAccount(namespace: string, name: string): Promise<ServiceAccount | undefined>;
  getSecret(namespace: string, name: string): Promise<KubeSecret | undefined>;
  createSecret(
    namespace: string,
    name: string,
    data: SecretData,
    creation?: CreationMetadata,
  ): Promise<"created" | "exists">;
  /** Replaces only `data`, and only if the Secret is still at `resourceVersion`; a deleted Secret is a conflict. */
  replaceSecret(
    namespace: string,
    name: string,
    data: SecretData,
    resourceVersion: string,
  ): Promise<"replaced" | "conflict">;
  /** Returns its `data`. */
  getConfigMap(namespace: string, name: string): Promise<Readonly<Record<string, string>> | undefined>;
  /**
   * Creates the ConfigMap, or replaces only its `data` if that differs. Reads it again after a conflict with another
   * writer, and rejects with ApiError (409) after the fifth.
   */
  putConfigMap(
    namespace: string,
    name: string,
    data: Readonly<Record<string, string>>,
    creation?: CreationMetadata,
  ): Promise<void>;
  /**
   * Changes the ConfigMap's `data` under its resourceVersion, or creates the ConfigMap. `change` receives the present
   * data, and again whatever another writer has made of it meanwhile; it returns what is to be written. Resolves with
   * what was written; rejects as putConfigMap() does.
   */
  changeConfigMap(
    namespace: string,
    name: string,
    change: (present: Readonly<Record<string, string>> | undefined) => Readonly<Record<string, string>>,
    creation?: CreationMetadata,
  ): Promise<Readonly<Record<string, string>>>;
  getWebhookConfiguration(name: string): Promise<WebhookConfiguration | undefined>;
  /** Sets `caBundle` (PEM) of every webhook in the MutatingWebhookConfiguration and changes nothing else. */
  setCaBundle(name: string, caBundlePem: string): Promise<"changed" | "unchanged" | "absent" | "conflict">;
  /**
   * Creates the ClusterTrustBundle, or replaces its certificates if they differ. A conflict with another writer leaves
   * the object as that one wrote it.
   */
  putClusterTrustBundle(name: string, signerName: string, bundlePem: string): Promise<void>;
  getPodCertificateRequest(namespace: string, name: string): Promise<PodCertificateRequest | undefined>;
  /**
   * Answers a request; the answer is final. A request that has changed since it was read, was answered by another
   * replica or was deleted is a conflict. The API server verifies the answer (422), and that the caller may sign with
   * the signer's name.
   */
  answerPodCertificateRequest(
    request: Pick<PodCertificateRequest, "metadata">,
    status: PodCertificateStatus,
  ): Promise<"answered" | "conflict">;
  /** Reads every node, one page at a time, and returns the kubelets. */
  listKubelets(signal: AbortSignal): Promise<readonly Kubelet[]>;
  /** Reports whether the API server serves a resource, by its page of the group. */
  servesResource(resource: Resource): Promise<boolean>;
  /** Writes one Event per call: callers prevent repetitions. */
  recordEvent(event: PodEvent): Promise<void>;
  /**
   * Writes a warning on an owner of pods. "exists": the API server still has one with the same owner and reason, from
   * this process or another replica, and keeps that one.
   */
  recordOwnerEvent(event: OwnerEvent): Promise<"recorded" | "exists">;
  /**
   * Returns the input of `startReflector`. Objects are the JSON of the API; those in lists have no `apiVersion` and
   * `kind`. Namespaces and ServiceAccounts have only their metadata.
   */
  source<Item>(resource: Resource, selector?: Selector): ListWatch<Item>;
  serverVersion(): Promise<{ readonly major: number; readonly minor: number }>;
}
