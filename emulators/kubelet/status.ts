// The status that the node reports for a pod, in the form of the Kubernetes API, so that it can be written to the Pod
// as it is. Times are RFC 3339.
// (https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#PodStatus)

/** A container that does not run, and why. */
export interface Waiting {
  readonly reason: string;
  readonly message?: string;
}

/** How a run of a container ended. */
export interface Terminated {
  readonly exitCode: number;
  /** Number of the signal that ended it. */
  readonly signal?: number;
  readonly reason: "Completed" | "Error" | "StartError";
  /** The termination message, which the process wrote. */
  readonly message?: string;
  readonly startedAt: string;
  readonly finishedAt: string;
}

/** The state of a container, as the API has it: exactly one of three. */
export type ContainerState =
  | { readonly waiting: Waiting }
  | { readonly running: { readonly startedAt: string } }
  | { readonly terminated: Terminated };

/** An entry of a pod's containerStatuses. */
export interface ContainerStatus {
  readonly name: string;
  readonly image: string;
  readonly state: ContainerState;
  /** How the previous run ended. */
  readonly lastState?: { readonly terminated: Terminated };
  /** True once the startup probe has passed; for a container without one, once it runs. */
  readonly started: boolean;
  readonly ready: boolean;
  readonly restartCount: number;
}

/** The phases of a pod that this node reports. */
export type PodPhase = "Pending" | "Running" | "Succeeded" | "Failed";

/** A pod's status. */
export interface PodStatus {
  readonly phase: PodPhase;
  /** Why the pod does not start, if no container status shows the reason. */
  readonly message?: string;
  readonly podIP: string;
  readonly startTime: string;
  readonly initContainerStatuses: readonly ContainerStatus[];
  readonly containerStatuses: readonly ContainerStatus[];
}

/** Returns how the container's last run ended, from this state or the previous one. */
export function lastTermination({ state, lastState }: ContainerStatus): Terminated | undefined {
  return "terminated" in state ? state.terminated : lastState?.terminated;
}
