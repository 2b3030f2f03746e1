// What the webhook asks the cluster about the surroundings of a pod: its namespace and its ServiceAccount. The watch
// may lag behind a `kubectl apply` of both and the pod in one file, so an answer that hurts is asked for once more, live.
import type { ObjectMeta } from "../kubernetes/objects.ts";
import { PodroleError } from "../protocol/errors.ts";
import type { Clock } from "../runtime/clock.ts";
import type { PlanInput } from "../injection/plan.ts";

type Metadata = { readonly metadata: Pick<ObjectMeta, "labels" | "annotations"> };

/** `known…` answer from memory, undefined when they cannot; `read…` ask the API server and may throw. */
export interface ClusterReader {
  knownNamespace(name: string): Metadata | undefined;
  knownServiceAccount(namespace: string, name: string): Metadata | undefined;
  readNamespace(name: string): Promise<Metadata | undefined>;
  readServiceAccount(namespace: string, name: string): Promise<Metadata | undefined>;
}

type Surroundings = Omit<PlanInput, "pod"> & {
  /** True when nothing of it came from a watch. */
  readonly live: boolean;
};

export interface Lookups {
  /** From the watches, and live what they do not have. Throws KUBERNETES_UNAVAILABLE. */
  known(namespace: string, serviceAccount: string): Promise<Surroundings>;
  /** As the API server has it now. Throws KUBERNETES_UNAVAILABLE. */
  live(namespace: string, serviceAccount: string): Promise<Surroundings>;
}

export function createLookups(
  { clock, cluster }: { readonly clock: Clock; readonly cluster: ClusterReader },
  { timeoutMs }: { readonly timeoutMs: number },
): Lookups {
  const inTime = <T>(answer: Promise<T>) => withDeadline(clock, answer, timeoutMs);
  return {
    async known(namespace, serviceAccount) {
      const around = cluster.knownNamespace(namespace);
      const account = cluster.knownServiceAccount(namespace, serviceAccount);
      const [foundAround, foundAccount] = await inTime(
        Promise.all([
          around ?? cluster.readNamespace(namespace),
          account ?? cluster.readServiceAccount(namespace, serviceAccount),
        ]),
      );
      return surroundings(namespace, foundAround, foundAccount, around === undefined && account === undefined);
    },
    async live(namespace, serviceAccount) {
      const [around, account] = await inTime(
        Promise.all([cluster.readNamespace(namespace), cluster.readServiceAccount(namespace, serviceAccount)]),
      );
      return surroundings(namespace, around, account, true);
    },
  };
}

function surroundings(
  name: string,
  namespace: Metadata | undefined,
  serviceAccount: Metadata | undefined,
  live: boolean,
): Surroundings {
  // The API server has just accepted a pod in this namespace: not to find it is a fault, not a fact about it.
  if (!namespace) {
    const message = `Cannot decide about the pod: namespace "${name}" is not to be found, wanted its labels and annotations`;
    throw new PodroleError("KUBERNETES_UNAVAILABLE", message);
  }
  return {
    namespace: {
      name,
      labels: namespace.metadata.labels ?? {},
      annotations: namespace.metadata.annotations ?? {},
    },
    serviceAccountAnnotations: serviceAccount?.metadata.annotations ?? {},
    live,
  };
}

/** Rejects with KUBERNETES_UNAVAILABLE when the answer is late, or when it failed in any other words. */
function withDeadline<T>(clock: Clock, answer: Promise<T>, timeoutMs: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const fail = (state: string, cause?: unknown) =>
      reject(
        new PodroleError("KUBERNETES_UNAVAILABLE", `Cannot decide about the pod: ${state}`, {
          cause,
        }),
      );
    const cancel = clock.schedule(
      () => fail(`the Kubernetes API did not answer within ${timeoutMs} ms, wanted the namespace and ServiceAccount`),
      timeoutMs,
    );
    answer
      .then(resolve, (error: unknown) =>
        error instanceof PodroleError
          ? reject(error)
          : fail("the Kubernetes API cannot be asked, wanted the namespace and ServiceAccount", error),
      )
      .finally(cancel);
  });
}
