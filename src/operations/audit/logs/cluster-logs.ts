// The logs of podrole's own pods, read through the Kubernetes API: what the kubelets have kept of them.

import type { Pod } from "../../../kubernetes/objects.ts";
import type { OperatorKubernetes } from "../../../kubernetes/operator.ts";
import { OWN_OBJECTS } from "../../../policy/annotations.ts";
import { success } from "../../../runtime/result.ts";
import type { LogFile, OpenedSources } from "./sources.ts";

/** How the logs of a cluster are read. */
export interface ClusterLogDeps {
  readonly kubernetes: Pick<OperatorKubernetes, "listAll" | "streamLog">;
  /** Stops the reading. */
  readonly signal: AbortSignal;
}

/** One source for each container that has started. A cluster that cannot be read is a problem. */
export async function openClusterLogs(deps: ClusterLogDeps, namespace: string): Promise<OpenedSources> {
  try {
    const pods = await deps.kubernetes.listAll<Pod>("pods", { namespace, labelSelector: OWN_OBJECTS });
    if (pods.length === 0) {
      const expected = "expected the namespace that podrole runs in";
      return {
        ok: false,
        problems: [`namespace ${JSON.stringify(namespace)} has no pod with ${OWN_OBJECTS}; ${expected}`],
      };
    }
    return success(await Promise.all(pods.flatMap((pod) => containerLogs(deps, namespace, pod))));
  } catch (error) {
    return { ok: false, problems: [error instanceof Error ? error.message : String(error)] };
  }
}

function containerLogs(
  { kubernetes, signal }: ClusterLogDeps,
  namespace: string,
  pod: Pod,
): readonly Promise<LogFile>[] {
  const name = pod.metadata.name ?? "";
  return startedContainers(pod).map(async (container) => {
    const lines = await kubernetes.streamLog({ namespace, name }, container, signal);
    return { name: `pod ${namespace}/${name}`, chunks: asBytes(lines) };
  });
}

/**
 * The API server answers 400 for the log of a container that has not started; leaving those out keeps one pod that
 * cannot start from hiding the logs of all others.
 */
function startedContainers({ status }: Pod): readonly string[] {
  const containers = (status?.["containerStatuses"] ?? []) as readonly ContainerStart[];
  return containers.flatMap(({ name, containerID }) => (containerID ? [name] : []));
}

interface ContainerStart {
  readonly name: string;
  /** Absent or empty until the container starts for the first time. */
  readonly containerID?: string;
}

async function* asBytes(lines: AsyncIterable<string>): AsyncIterable<Uint8Array> {
  for await (const line of lines) yield Buffer.from(`${line}\n`);
}
