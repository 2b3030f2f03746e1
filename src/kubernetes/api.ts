// What podrole asks of the Kubernetes API, and nothing else it could ask: the programs' ClusterRoles allow exactly this.
// Types only, so that callers and their tests need no client. Not found is `undefined`, a lost race is the value
// "conflict" or "exists"; everything else that goes wrong is thrown as an ApiError (errors.ts).
import type { ErrorCode } from "../protocol/errors.ts";
import type { Secret } from "../runtime/secret.ts";
import type { Namespace, ObjectMeta, Pod, ServiceAccount } from "./objects.ts";

/** The answer to "whose token is this?" (authentication.k8s.io/v1 TokenReview, status). */
export interface TokenReview {
  readonly authenticated: boolean;
  /** Those of the audiences asked for that the token has; an empty list means that nobody checked. */
  readonly audiences: readonly string[];
  readonly username: string;
  readonly uid: string;
  readonly extra: Readonly<Record<string, readonly string[]>>;
  /** The API server's reason for `authenticated: false`, else "". */
  readonly error: string;
}

export interface KubeSecret {
  readonly metadata: ObjectMeta;
  /** Decoded from base64. */
  readonly data: Readonly<Record<string, Secret>>;
}

/** What an object gets at its creation and keeps whatever is written later. */
export interface Birth {
  readonly labels?: Readonly<Record<string, string>>;
  /** Objects of the same namespace: when all of them are gone, the garbage collector deletes this one. */
  readonly owners?: readonly Owner[];
}

export interface Owner {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  readonly uid: string;
}

export interface WebhookConfiguration {
  readonly resourceVersion: string;
  /** `caBundle` is PEM, decoded; absent when the API server would use its host's own roots. */
  readonly webhooks: readonly { readonly name: string; readonly caBundle?: string }[];
}

/** A note at a pod, shown by `kubectl describe pod` (core/v1 Event). The API server keeps it for an hour. */
export interface PodEvent {
  readonly namespace: string;
  readonly pod: { readonly name: string; readonly uid: string };
  readonly type: "Normal" | "Warning";
  readonly reason: ErrorCode;
  /** Cut off at 1024 characters. */
  readonly message: string;
}

/** The resources that podrole reads or writes, as RBAC calls them. */
export type Resource =
  | "pods"
  | "namespaces"
  | "serviceaccounts"
  | "secrets"
  | "configmaps"
  | "events"
  | "mutatingwebhookconfigurations"
  | "tokenreviews";

/** The resources that a person's command reads or writes besides, with that person's own rights. */
export type OperatorResource =
  | "nodes"
  | "deployments"
  | "replicasets"
  | "statefulsets"
  | "daemonsets"
  | "jobs"
  | "cronjobs"
  | "poddisruptionbudgets"
  | "subjectaccessreviews"
  | "selfsubjectaccessreviews";

export interface Selector {
  /** Without it: the whole cluster. */
  readonly namespace?: string;
  /** "team=shop,tier!=db" */
  readonly labelSelector?: string;
  /** "metadata.name=podrole-trust": a single object, so that a Role may name it. */
  readonly fieldSelector?: string;
}

export interface ListPage<Item> {
  readonly items: readonly Item[];
  /** The revision that the whole list (not the page alone) shows; a watch starts there. */
  readonly resourceVersion: string;
  /** Asks for the next page; absent on the last one. */
  readonly next?: string;
}

/**
 * OPENED comes first: the server took the watch, and what it has after the version follows at once. A bookmark has no
 * object: it says that a cache is right as of `resourceVersion`.
 */
export type WatchEvent<Item> =
  | { readonly type: "OPENED" }
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly object: Item }
  | { readonly type: "BOOKMARK"; readonly resourceVersion: string };

/**
 * List and watch of one resource: what a reflector feeds on. Both throw ApiError; an ERROR line of a watch is thrown
 * too, so that "410 Gone" is one case however the API server words it.
 */
export interface ListWatch<Item> {
  /** For logs: "pods", "configmaps in podrole". */
  readonly name: string;
  list(request: {
    /** Objects a page; 0 asks for all of them in one answer. */
    readonly limit: number;
    /** `next` of the page before. */
    readonly next?: string | undefined;
    readonly signal: AbortSignal;
  }): Promise<ListPage<Item>>;
  /** Ends when the API server ends it (`timeoutSeconds`), throws when anything else does. */
  watch(request: {
    readonly resourceVersion: string;
    readonly timeoutSeconds: number;
    readonly signal: AbortSignal;
  }): AsyncIterable<WatchEvent<Item>>;
}

export interface Kubernetes {
  reviewToken(token: Secret, audience: string): Promise<TokenReview>;
  getPod(namespace: string, name: string): Promise<Pod | undefined>;
  getNamespace(name: string): Promise<Namespace | undefined>;
  getServiceAccount(namespace: string, name: string): Promise<ServiceAccount | undefined>;
  getSecret(namespace: string, name: string): Promise<KubeSecret | undefined>;
  createSecret(
    namespace: string,
    name: string,
    data: Readonly<Record<string, Secret>>,
    birth?: Birth,
  ): Promise<"created" | "exists">;
  /** Replaces `data` alone, and only if the Secret is still at `resourceVersion`; a Secret that went is a conflict. */
  replaceSecret(
    namespace: string,
    name: string,
    data: Readonly<Record<string, Secret>>,
    resourceVersion: string,
  ): Promise<"replaced" | "conflict">;
  /** Its `data`. */
  getConfigMap(namespace: string, name: string): Promise<Readonly<Record<string, string>> | undefined>;
  /** Creates the ConfigMap, or replaces its `data` alone where that differs. */
  putConfigMap(namespace: string, name: string, data: Readonly<Record<string, string>>, birth?: Birth): Promise<void>;
  getWebhookConfiguration(name: string): Promise<WebhookConfiguration | undefined>;
  /** Sets `caBundle` (PEM) of every webhook in the MutatingWebhookConfiguration, and touches nothing else there. */
  setCaBundle(name: string, caBundlePem: string): Promise<"changed" | "unchanged" | "absent" | "conflict">;
  /** Callers keep repetitions away: each call writes an Event. */
  recordEvent(event: PodEvent): Promise<void>;
  /** For `createReflector`. Objects come as they stand in JSON; lists leave out `apiVersion` and `kind`. */
  source<Item>(resource: Resource, selector?: Selector): ListWatch<Item>;
  serverVersion(): Promise<{ readonly major: number; readonly minor: number }>;
}
