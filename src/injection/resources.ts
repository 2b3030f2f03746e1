// Requests and limits of podrole's containers. The start of Node is CPU-bound, and a CPU limit doubles what it adds to
// the start of a pod, so there is none where the pod's own containers have none: under contention the small request
// bounds what the sidecar gets. In classic mode podrole-init may use half a core in a Guaranteed pod, because the
// scheduler counts only the largest ordinary init container. A sidecar's CPU is reserved for the pod's whole lifetime,
// so there it is smaller and the start takes longer.
// (https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/)
import type { Pod, ResourceRequirements } from "../kubernetes/objects.ts";
import { parseQuantity } from "../kubernetes/quantity.ts";
import { isPodroleContainer } from "../policy/facts.ts";
import { allContainers } from "./shape.ts";

/** Quantities as Kubernetes writes them. */
export interface ResourceSettings {
  readonly cpuRequest: string;
  readonly cpuLimit: string;
  readonly memoryRequest: string;
  readonly memoryLimit: string;
  /** CPU request and limit of podrole-sidecar in a Guaranteed pod, reserved for the pod's whole lifetime. */
  readonly guaranteedSidecarCpu: string;
}

/** By container; a container without an entry gets no resources of its own. */
export interface PodroleResources {
  readonly init?: ResourceRequirements;
  readonly sidecar?: ResourceRequirements;
}

/**
 * Chooses requests and limits, because a ResourceQuota or LimitRange may require them. The CPU limit is set only where
 * every container of the pod has one: a quota on `limits.cpu` refuses pods in which any container has none. A
 * Guaranteed pod stays Guaranteed. In a pod with pod-level resources (`spec.resources`) podrole's containers share
 * those, because the sum of the containers' requests must not exceed them.
 * (https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/,
 * https://kubernetes.io/docs/concepts/policy/resource-quotas/)
 */
export function resourcesFor(pod: Pod, settings: ResourceSettings): PodroleResources {
  if (pod.spec["resources"]) return {};
  const { cpuRequest, cpuLimit, memoryRequest, memoryLimit, guaranteedSidecarCpu } = settings;
  if (isGuaranteed(pod)) {
    const exactly = (cpu: string) => ({ requests: { cpu, memory: memoryLimit }, limits: { cpu, memory: memoryLimit } });
    return { init: exactly(cpuLimit), sidecar: exactly(guaranteedSidecarCpu) };
  }
  const both = {
    requests: { cpu: cpuRequest, memory: memoryRequest },
    limits: { ...(everyContainerHasCpuLimit(pod) ? { cpu: cpuLimit } : {}), memory: memoryLimit },
  };
  return { init: both, sidecar: both };
}

function userContainers(pod: Pod) {
  return allContainers(pod).filter((container) => !isPodroleContainer(container));
}

function everyContainerHasCpuLimit(pod: Pod): boolean {
  return userContainers(pod).every(({ resources }) => resources?.limits?.["cpu"] != null);
}

/** True when every container except podrole's has limits for CPU and memory, and requests equal to them or none. */
function isGuaranteed(pod: Pod): boolean {
  return userContainers(pod).every(({ resources }) =>
    ["cpu", "memory"].every((resource) => {
      const limit = parseQuantity(resources?.limits?.[resource]);
      const request = resources?.requests?.[resource];
      return limit !== undefined && limit > 0n && (request == null || parseQuantity(request) === limit);
    }),
  );
}
