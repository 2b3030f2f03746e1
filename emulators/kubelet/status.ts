// What the node reports of a pod, in the shape of the Kubernetes API, so that it can be written into a Pod's status as
// it is. Times are RFC 3339.
// (https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#PodStatus)

export interface Waiting {
  readonly reason: string;
  readonly message?: string;
}

export interface Terminated {
  readonly exitCode: number;
  /** Number of the signal that ended it. */
  readonly signal?: number;
  readonly reason: "Completed" | "Error" | "StartError";
  /** The termination message: what the process left to be read. */
  readonly message?: string;
  readonly startedAt: string;
  readonly finishedAt: string;
}

export type ContainerState =
  | { readonly waiting: Waiting }
  | { readonly running: { readonly startedAt: string } }
  | { readonly terminated: Terminated };

export interface ContainerStatus {
  readonly name: string;
  readonly image: string;
  readonly state: ContainerState;
  /** How the run before this one ended. */
  readonly lastState?: { readonly terminated: Terminated };
  /** The startup probe has passed, if there is one. */
  readonly started: boolean;
  readonly ready: boolean;
  readonly restartCount: number;
}

export type PodPhase = "Pending" | "Running" | "Succeeded" | "Failed";

export interface PodStatus {
  readonly phase: PodPhase;
  /** Why the pod does not come up, when no container can say it. */
  readonly message?: string;
  readonly podIP: string;
  readonly startTime: string;
  readonly initContainerStatuses: readonly ContainerStatus[];
  readonly containerStatuses: readonly ContainerStatus[];
}

/** How the container's last run ended: of this state or of the one before. */
export function lastTermination({ state, lastState }: ContainerStatus): Terminated | undefined {
  return "terminated" in state ? state.terminated : lastState?.terminated;
}
