// What podrole's containers ask the scheduler for. The start of Node is bound by CPU, so they may have half a core.
// podrole-init of classic mode may have it in a Guaranteed pod too: of ordinary init containers the scheduler counts only
// the largest. A sidecar's share is reserved for the pod's whole life, so there it is smaller and its start takes longer.
import type { Pod, ResourceRequirements } from "../kubernetes/objects.ts";
import { parseQuantity } from "../kubernetes/quantity.ts";
import { isPodroleContainer } from "./names.ts";
import { allContainers } from "./shape.ts";

export interface ResourceSettings {
  readonly cpuRequest: string;
  readonly cpuLimit: string;
  readonly memoryRequest: string;
  readonly memoryLimit: string;
  /** Request and limit of podrole-sidecar in a Guaranteed pod: it is reserved for the pod's whole life. */
  readonly guaranteedSidecarCpu: string;
}

export interface PodroleResources {
  readonly init?: ResourceRequirements;
  readonly sidecar?: ResourceRequirements;
}

/**
 * Requests and limits, always both, because a ResourceQuota or LimitRange may demand them. A Guaranteed pod stays
 * Guaranteed. A pod with resources of its own (`spec.resources`) shares them: its containers' requests must fit in.
 * (https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/)
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
    limits: { cpu: cpuLimit, memory: memoryLimit },
  };
  return { init: both, sidecar: both };
}

/** True when every container but podrole's has limits for CPU and memory, and requests equal to them (or none). */
function isGuaranteed(pod: Pod): boolean {
  return allContainers(pod)
    .filter((container) => !isPodroleContainer(container))
    .every(({ resources }) =>
      ["cpu", "memory"].every((resource) => {
        const limit = parseQuantity(resources?.limits?.[resource]);
        const request = resources?.requests?.[resource];
        return limit !== undefined && limit > 0n && (request == null || parseQuantity(request) === limit);
      }),
    );
}
