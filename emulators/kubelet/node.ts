// A Kubernetes node without container isolation: it runs the containers of a pod as processes of this user on this
// host, for the demo and the tests. It honours files, environment, order, probes, restarts and termination of the pod
// spec; it has no namespaces, no limits and no read-only mounts. It only runs images that its options name.
// States: open → stopped. stop() ends every pod and leaves no process and no directory behind.
// (https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/)
import { join } from "node:path";
import type { Container, Pod } from "../../src/kubernetes/objects.ts";
import type { Clock } from "../../src/runtime/clock.ts";
import type { Log } from "../../src/runtime/log.ts";
import { createContainer, type RestartPolicy } from "./container.ts";
import { describePod } from "./describe.ts";
import type { PlacedPod } from "./environment.ts";
import { graceOf, type PodRun, startPod } from "./pod.ts";
import type { CertificateProjections } from "./pod-certificates.ts";
import { shiftPorts } from "./ports.ts";
import { POD_HOST } from "./probe.ts";
import type { ExecResult } from "./run.ts";
import { createSandbox, type HostImage } from "./sandbox.ts";
import type { PodStatus } from "./status.ts";
import { createPodVolumes, type RequestToken } from "./volumes.ts";

/** Images, directory and delays of the node. */
export interface ProcessNodeOptions {
  /**
   * The node's directory; each pod gets one below it, with mode 0700. Volumes with medium Memory are ordinary
   * directories here: use a memory file system if their content must not reach a disk.
   */
  readonly directory: string;
  /** Images by the name in `image`, including tag and digest. */
  readonly images: Readonly<Record<string, HostImage>>;
  readonly tokens: RequestToken;
  /** Pod certificates; absent: the node has none, as before Kubernetes 1.37. */
  readonly certificates?: CertificateProjections;
  readonly nodeName?: string;
  /** PATH of the processes. */
  readonly searchPath?: string;
  /** Delay before the second restart, doubled up to the cap, in milliseconds; the kubelet uses 10 s and 5 min. */
  readonly restartBackoff?: { readonly baseMs: number; readonly capMs: number };
  /** Replaces periodSeconds of startup probes, in milliseconds; they still fail after the same total time. */
  readonly startupPeriodMs?: number;
  /** Characters of each container's log to keep. */
  readonly logLimit?: number;
}

interface RunOptions {
  /** Added to the ports of podrole's sidecar, so that two pods can run on one host; default: 0. */
  readonly portOffset?: number;
}

/** A pod on the node, until stop(). */
export interface RunningPod {
  /** The pod as it runs, with shifted ports. */
  readonly pod: Pod;
  status(): PodStatus;
  /** Returns the containers in the format of `kubectl describe pod`. */
  describe(): string;
  /** Returns a container's log. Throws an Error for a container that the pod does not have. */
  logs(container: string, options?: { readonly previous?: boolean }): string;
  /**
   * Runs a command as `kubectl exec` does; rejects with an Error if the container does not run. `signal` kills the
   * command.
   */
  exec(container: string, command: readonly string[], signal?: AbortSignal): Promise<ExecResult>;
  /** Kills the container's process with SIGKILL, as the kernel does when it is out of memory. */
  kill(container: string): void;
  onChange(listener: () => void): () => void;
  /**
   * Resolves with the first status that meets the condition, or with the last one if the pod is stopped before; rejects
   * if `signal` aborts.
   */
  until(condition: (status: PodStatus) => boolean, signal?: AbortSignal): Promise<PodStatus>;
  /** `graceMs` defaults to the pod's own grace period. Nothing of the pod is left when it resolves. */
  stop(graceMs?: number): Promise<void>;
}

/** A node that runs containers as processes. */
export interface ProcessNode {
  /**
   * Starts a pod. Throws an Error for a pod without name, namespace or uid, for one that already runs, and after
   * stop().
   */
  run(pod: Pod, options?: RunOptions): RunningPod;
  /** Returns the pods that were not stopped yet. */
  pods(): readonly RunningPod[];
  stop(graceMs?: number): Promise<void>;
}

const NODE_DEFAULTS = {
  nodeName: "process-node",
  searchPath: "/usr/local/bin:/usr/bin:/bin",
  restartBackoff: { baseMs: 10_000, capMs: 300_000 },
  logLimit: 256 * 1024,
} as const;

/** Creates a node without pods. `tokens` serves projected ServiceAccount tokens. */
export function createProcessNode(
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  options: ProcessNodeOptions,
): ProcessNode {
  const { directory, images, tokens, certificates } = options;
  const { nodeName, searchPath, restartBackoff, logLimit } = { ...NODE_DEFAULTS, ...options };
  const pods = new Map<string, RunningPod>();
  let isOpen = true;

  function start(pod: Pod, placed: PlacedPod, podDirectory: string, podLog: Log): PodRun {
    const volumeSettings = { placed, directory: join(podDirectory, "volumes") };
    const volumes = createPodVolumes({ clock, log: podLog, requestToken: tokens, certificates }, volumeSettings);
    const create = (container: Container, onChange: () => void) => {
      const image = images[container.image ?? ""];
      const settings = {
        placed,
        image: image ?? { command: [] },
        directory: join(podDirectory, "containers", container.name),
        volumePath: (name: string) => volumes.pathOf(name),
        searchPath,
      };
      return createContainer({ clock, log: podLog, onChange }, container, {
        restart: restartPolicyOf(container, pod),
        prepare: () => createSandbox(container, settings),
        hasImage: image !== undefined,
        restartBackoff,
        logLimit,
        graceMs: graceOf(pod),
        startupPeriodMs: options.startupPeriodMs,
      });
    };
    return startPod({ clock, volumes, createContainer: create }, { placed, directory: podDirectory });
  }

  return {
    run(given, { portOffset = 0 } = {}) {
      const { name, namespace, uid } = given.metadata;
      if (!name || !namespace || !uid || !/^[\w.-]+$/.test(uid)) {
        throw new Error("Cannot run the pod: its metadata must have name, namespace and uid");
      }
      if (!isOpen || pods.has(uid))
        throw new Error(`Cannot run pod "${namespace}/${name}": it is running already, or the node has been stopped`);
      const pod = portOffset === 0 ? given : shiftPorts(given, portOffset);
      const placed = { pod, nodeName: pod.spec.nodeName ?? nodeName, podIP: POD_HOST };
      const podLog = log.child({ pod: `${namespace}/${name}` });
      const run = start(pod, placed, join(directory, uid), podLog);
      const running = runningPod(pod, run, () => pods.delete(uid));
      pods.set(uid, running);
      return running;
    },
    pods: () => [...pods.values()],
    async stop(graceMs) {
      isOpen = false;
      await Promise.all([...pods.values()].map((pod) => pod.stop(graceMs)));
    },
  };
}

function runningPod(pod: Pod, run: PodRun, onStopped: () => void): RunningPod {
  const over = Promise.withResolvers<void>();
  const containerNamed = (name: string) => {
    const container = run.containers.get(name);
    if (container === undefined) throw new Error(`Cannot find container "${name}": the pod has no such container`);
    return container;
  };
  return {
    pod,
    status: () => run.status(),
    describe: () => describePod(pod.metadata.name ?? "", run.status()),
    logs: (name, options) => containerNamed(name).logs(options),
    exec: async (name, command, signal = new AbortController().signal) => containerNamed(name).exec(command, signal),
    kill: (name) => containerNamed(name).kill(),
    onChange: (listener) => run.onChange(listener),
    until(condition, signal) {
      return new Promise((resolve, reject) => {
        const look = () => {
          const status = run.status();
          if (condition(status)) settle(() => resolve(status));
        };
        const settle = (how: () => void) => {
          end();
          signal?.removeEventListener("abort", abort);
          how();
        };
        const abort = () => settle(() => reject(signal?.reason as Error));
        const end = run.onChange(look);
        signal?.addEventListener("abort", abort, { once: true });
        void over.promise.then(() => settle(() => resolve(run.status())));
        if (signal?.aborted) abort();
        else look();
      });
    },
    async stop(graceMs = graceOf(pod)) {
      await run.stop(graceMs);
      over.resolve();
      onStopped();
    },
  };
}

/** An init container runs until it succeeds, unless the pod's policy is Never; a sidecar always runs. */
function restartPolicyOf(container: Container, { spec }: Pod): RestartPolicy {
  const policy = (spec.restartPolicy ?? "Always") as RestartPolicy;
  const isInit = spec.initContainers?.some(({ name }) => name === container.name) ?? false;
  if (!isInit) return (container.restartPolicy ?? policy) as RestartPolicy;
  if (container.restartPolicy === "Always") return "Always";
  return policy === "Never" ? "Never" : "OnFailure";
}
