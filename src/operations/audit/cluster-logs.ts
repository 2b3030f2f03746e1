// The logs of podrole's own pods, through the Kubernetes API: what the kubelets still have of them.
import type { Pod } from "../../kubernetes/objects.ts";
import { openCluster } from "../../cli/cluster.ts";
import type { Terminal } from "../../cli/terminal.ts";
import type { AuditOptions } from "./options.ts";
import type { Source } from "./sources.ts";

const PODROLE = "app.kubernetes.io/part-of=podrole";

/** One source for each container that has started. Throws what the Kubernetes API answers instead. */
export async function clusterLogs(
  terminal: Terminal,
  { connection, podroleNamespace: namespace }: Pick<AuditOptions, "connection" | "podroleNamespace">,
): Promise<readonly Source[]> {
  const kubernetes = openCluster(terminal, connection);
  const pods = await kubernetes.listAll<Pod>("pods", { namespace, labelSelector: PODROLE });
  if (pods.length === 0) {
    throw new RangeError(`namespace ${JSON.stringify(namespace)} has no pod with ${PODROLE}, wanted podrole's own one`);
  }
  return Promise.all(
    pods.flatMap((pod) =>
      startedContainers(pod).map(async (container) => {
        const name = pod.metadata.name ?? "";
        const lines = await kubernetes.streamLog({ namespace, name }, container, terminal.interrupted);
        return { name: `pod ${namespace}/${name}`, chunks: asBytes(lines) };
      }),
    ),
  );
}

/** Of others the API server has no log, and answers 400: a pod that cannot start must not hide what its fellows wrote. */
function startedContainers({ status }: Pod): readonly string[] {
  const containers = (status?.["containerStatuses"] ?? []) as readonly ContainerStatus[];
  return containers.flatMap(({ name, containerID }) => (containerID ? [name] : []));
}

interface ContainerStatus {
  readonly name: string;
  /** Absent or empty until the container was started for the first time. */
  readonly containerID?: string;
}

async function* asBytes(lines: AsyncIterable<string>): AsyncIterable<Uint8Array> {
  for await (const line of lines) yield Buffer.from(`${line}\n`);
}
