// What the webhook looks up about the context of a pod: its namespace and its ServiceAccount. A watch may lag behind
// a `kubectl apply` of both and the pod in one file, so admit.ts repeats a negative decision with a live look-up.
import type { NamespaceLimits } from "../injection/namespace-limits.ts";
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
  /** What the watches have reported; they only size podrole's containers, so nothing waits for them. */
  cachedLimits(namespace: string): NamespaceLimits;
  readLimits(namespace: string): Promise<NamespaceLimits>;
}

/** The input of plan() apart from the pod. */
export type PodContext = Omit<PlanInput, "pod"> & {
  /** True when namespace and ServiceAccount did not come from a cache. */
  readonly isLive: boolean;
  /** True when the namespace's limits did not come from a cache. */
  readonly areLimitsLive: boolean;
};

/** Look-ups of a pod's namespace and ServiceAccount, cached or live. */
export interface PodContextReader {
  /** Begins the look-ups of one review, which together take at most the time that a review may spend on them. */
  forReview(namespace: string, serviceAccount: string): ReviewLookups;
}

/** The look-ups of one review. */
export interface ReviewLookups {
  /** Reads the caches, and live what they lack. Throws KUBERNETES_UNAVAILABLE and REQUEST_INVALID. */
  cached(): Promise<PodContext>;
  /**
   * Reads the API server's current state; of the namespace's limits too if `limits`, since only a decision about sizes
   * depends on them. Throws KUBERNETES_UNAVAILABLE, and REQUEST_INVALID for a namespace that does not exist.
   */
  live(options?: { readonly limits: boolean }): Promise<PodContext>;
}

/** All look-ups of a review take at most `timeoutMs` together. */
export function createPodContextReader(
  { clock, cluster }: { readonly clock: Clock; readonly cluster: ClusterReader },
  { timeoutMs }: { readonly timeoutMs: number },
): PodContextReader {
  return {
    forReview(namespace, serviceAccount) {
      const deadline = clock.elapsedMs() + timeoutMs;
      const inTime = <T>(answer: Promise<T>) => withDeadline(clock, answer, { deadline, timeoutMs });
      return {
        async cached() {
          const namespaceObject = cluster.cachedNamespace(namespace);
          const account = cluster.cachedServiceAccount(namespace, serviceAccount);
          const limits = cluster.cachedLimits(namespace);
          if (namespaceObject !== undefined && account !== undefined) {
            const found = contextOf(namespace, { namespace: namespaceObject, account, limits });
            return { ...found, isLive: false, areLimitsLive: false };
          }
          const [foundNamespace, foundAccount] = await inTime(
            Promise.all([
              namespaceObject ?? cluster.readNamespace(namespace),
              account ?? cluster.readServiceAccount(namespace, serviceAccount),
            ]),
          );
          const found = contextOf(namespace, { namespace: foundNamespace, account: foundAccount, limits });
          return { ...found, isLive: namespaceObject === undefined && account === undefined, areLimitsLive: false };
        },
        async live(options = { limits: false }) {
          const [namespaceObject, account, limits] = await inTime(
            Promise.all([
              cluster.readNamespace(namespace),
              cluster.readServiceAccount(namespace, serviceAccount),
              options.limits ? cluster.readLimits(namespace) : cluster.cachedLimits(namespace),
            ]),
          );
          const found = contextOf(namespace, { namespace: namespaceObject, account, limits });
          return { ...found, isLive: true, areLimitsLive: options.limits };
        },
      };
    },
  };
}

interface FoundContext {
  readonly namespace: OwnMetadata | undefined;
  readonly account: OwnMetadata | undefined;
  readonly limits: NamespaceLimits;
}

function contextOf(name: string, { namespace, account, limits }: FoundContext): Omit<PlanInput, "pod"> {
  // The Kubernetes API has answered, so this is no outage, of which an alert tells: the namespace was deleted while the
  // pod was being created, which fails then anyway, or a caller that is not the API server made up its name.
  if (!namespace) {
    const state = `namespace "${name}" does not exist; expected a namespace of the cluster`;
    throw new PodroleError("REQUEST_INVALID", `Cannot decide about the pod: ${state}`);
  }
  const { namespaceAnnotations, serviceAccountAnnotations } = inheritedFrom(namespace, account);
  return {
    namespace: {
      name,
      labels: namespace.metadata.labels ?? {},
      annotations: namespaceAnnotations,
      limits,
    },
    serviceAccountAnnotations,
  };
}

/** A moment of the clock's elapsed time, and the time that was granted. */
interface Deadline {
  readonly deadline: number;
  readonly timeoutMs: number;
}

/** Rejects with KUBERNETES_UNAVAILABLE when the answer is late, or when it failed with anything but a PodroleError. */
function withDeadline<T>(clock: Clock, answer: Promise<T>, { deadline, timeoutMs }: Deadline): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = `the Kubernetes API did not answer within ${timeoutMs} ms; expected the namespace and ServiceAccount`;
    const failed = "the Kubernetes API cannot be called; expected the namespace and ServiceAccount";
    const cancel = clock.schedule(() => reject(undecidedError(late)), deadline - clock.elapsedMs());
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
