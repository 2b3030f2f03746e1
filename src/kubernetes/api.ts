// What podrole asks of the Kubernetes API, as an interface: one implementation talks to it (client.ts), tests and the
// demo point that implementation at an emulator. Not found is undefined, a lost race is a value, everything else throws
// PodroleError KUBERNETES_UNAVAILABLE.
import type { ErrorCode } from "../protocol/errors.ts";
import type { Secret } from "../runtime/secret.ts";
import type { Namespace, ObjectMeta, Pod, ServiceAccount } from "./objects.ts";

/** Status of a TokenReview; lists and texts are empty when the API server left them out. */
export interface TokenReview {
  readonly authenticated: boolean;
  readonly audiences: readonly string[];
  readonly username: string;
  readonly uid: string;
  readonly extra: Readonly<Record<string, readonly string[]>>;
  readonly error: string;
}

export interface KubeSecret {
  readonly metadata: ObjectMeta;
  /** Decoded from base64. */
  readonly data: Readonly<Record<string, Secret>>;
}

export interface PodEvent {
  readonly namespace: string;
  readonly pod: { readonly name: string; readonly uid: string };
  readonly type: "Normal" | "Warning";
  readonly reason: ErrorCode;
  readonly message: string;
}

/** Resources that are watched. */
export type Resource = "pods" | "namespaces" | "serviceaccounts";

export interface Selector {
  readonly labelSelector?: string;
  readonly fieldSelector?: string;
}

export interface ListPage<Kind> {
  readonly items: readonly Kind[];
  readonly resourceVersion: string;
  /** Present when there are more pages. */
  readonly continueToken: string | undefined;
}

export type WatchEvent<Kind> =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK"; readonly object: Kind }
  | { readonly type: "ERROR"; readonly code: number; readonly message: string };

/** Lists and watches one resource; what a reflector feeds on. */
export interface ListWatch<Kind> {
  readonly resource: Resource;
  list(continueToken: string | undefined): Promise<ListPage<Kind>>;
  /** Resolves when the server (or `signal`) ended the watch; `onOpen` tells that the server accepted it. */
  watch(
    resourceVersion: string,
    handlers: { readonly onOpen: () => void; readonly onEvent: (event: WatchEvent<Kind>) => void },
    signal: AbortSignal,
  ): Promise<void>;
}

export interface Kubernetes {
  reviewToken(token: Secret, audience: string): Promise<TokenReview>;
  getPod(namespace: string, name: string): Promise<Pod | undefined>;
  getNamespace(name: string): Promise<Namespace | undefined>;
  getServiceAccount(namespace: string, name: string): Promise<ServiceAccount | undefined>;
  getSecret(namespace: string, name: string): Promise<KubeSecret | undefined>;
  createSecret(namespace: string, name: string, data: Readonly<Record<string, Secret>>): Promise<"created" | "exists">;
  /** Replaces the whole content; `resourceVersion` is the lock. */
  replaceSecret(
    namespace: string,
    name: string,
    data: Readonly<Record<string, Secret>>,
    resourceVersion: string,
  ): Promise<"replaced" | "conflict">;
  getConfigMap(namespace: string, name: string): Promise<Readonly<Record<string, string>> | undefined>;
  /** Creates it or makes its content this. Unchanged content is not written. */
  putConfigMap(namespace: string, name: string, data: Readonly<Record<string, string>>): Promise<void>;
  /** Puts the bundle (PEM) into every webhook of a MutatingWebhookConfiguration. */
  setCaBundle(name: string, bundlePem: string): Promise<"changed" | "unchanged" | "absent" | "conflict">;
  recordEvent(event: PodEvent): Promise<void>;
  source<Kind extends Pod | Namespace | ServiceAccount>(resource: Resource, selector?: Selector): ListWatch<Kind>;
  serverVersion(): Promise<{ readonly major: number; readonly minor: number }>;
}
