// What the webhook looks up about the context of a pod: its namespace and its ServiceAccount. A watch may lag behind
// a `kubectl apply` of both and the pod in one file, so admit.ts repeats a negative decision with a live look-up.
import type { PlanInput } from "../injection/plan.ts";
import { inheritedFrom, type OwnMetadata } from "../policy/inherited.ts";
import { PodroleError } from "../protocol/errors.ts";
import type { Clock } from "../runtime/clock.ts";

/** `cached…` return undefined for what a watch has not reported; `read…` call the API server and may reject. */
export interface ClusterReader {
  cachedNamespace(name: string): OwnMetadata | undefined;
  cachedServiceAccount(namespace: string, name: string): OwnMetadata | undefined;
  readNamespace(name: string): Promise<OwnMetadata | undefined>;
  readServiceAccount(namespace: string, name: string): Promise<OwnMetadata | undefined>;
}

/** The input of plan() apart from the pod. */
export type PodContext = Omit<PlanInput, "pod"> & {
  /** True when no part of it came from a cache. */
  readonly isLive: boolean;
};

/** Look-ups of a pod's namespace and ServiceAccount, cached or live. */
export interface Lookups {
  /** Reads the caches, and live what they lack. Throws KUBERNETES_UNAVAILABLE. */
  cached(namespace: string, serviceAccount: string): Promise<PodContext>;
  /** Reads the API server's current state. Throws KUBERNETES_UNAVAILABLE. */
  live(namespace: string, serviceAccount: string): Promise<PodContext>;
}

/** Each look-up takes at most `timeoutMs`, both objects together. */
export function createLookups(
  { clock, cluster }: { readonly clock: Clock; readonly cluster: ClusterReader },
  { timeoutMs }: { readonly timeoutMs: number },
): Lookups {
  const inTime = <T>(answer: Promise<T>) => withDeadline(clock, answer, timeoutMs);
  return {
    async cached(namespace, serviceAccount) {
      const namespaceObject = cluster.cachedNamespace(namespace);
      const account = cluster.cachedServiceAccount(namespace, serviceAccount);
      const [foundNamespace, foundAccount] = await inTime(
        Promise.all([
          namespaceObject ?? cluster.readNamespace(namespace),
          account ?? cluster.readServiceAccount(namespace, serviceAccount),
        ]),
      );
      return contextOf(namespace, foundNamespace, foundAccount, namespaceObject === undefined && account === undefined);
    },
    async live(namespace, serviceAccount) {
      const [namespaceObject, account] = await inTime(
        Promise.all([cluster.readNamespace(namespace), cluster.readServiceAccount(namespace, serviceAccount)]),
      );
      return contextOf(namespace, namespaceObject, account, true);
    },
  };
}

function contextOf(
  name: string,
  namespace: OwnMetadata | undefined,
  serviceAccount: OwnMetadata | undefined,
  isLive: boolean,
): PodContext {
  // The API server has just accepted a pod in this namespace, so a missing one is an outage, not a fact about the pod.
  if (!namespace) throw undecidedError(`namespace "${name}" was not found; expected its labels and annotations`);
  const { namespaceAnnotations, serviceAccountAnnotations } = inheritedFrom(namespace, serviceAccount);
  return {
    namespace: {
      name,
      labels: namespace.metadata.labels ?? {},
      annotations: namespaceAnnotations,
    },
    serviceAccountAnnotations,
    isLive,
  };
}

/** Rejects with KUBERNETES_UNAVAILABLE when the answer is late, or when it failed with anything but a PodroleError. */
function withDeadline<T>(clock: Clock, answer: Promise<T>, timeoutMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = `the Kubernetes API did not answer within ${timeoutMs} ms; expected the namespace and ServiceAccount`;
    const failed = "the Kubernetes API cannot be called; expected the namespace and ServiceAccount";
    const cancel = clock.schedule(() => reject(undecidedError(late)), timeoutMs);
    answer
      .then(resolve, (cause: unknown) =>
        reject(cause instanceof PodroleError ? cause : undecidedError(failed, { cause })),
      )
      .finally(cancel);
  });
}

function undecidedError(state: string, options?: ErrorOptions): PodroleError {
  return new PodroleError("KUBERNETES_UNAVAILABLE", `Cannot decide about the pod: ${state}`, options);
}
