// Requests and limits of podrole's containers. The start of Node is CPU-bound, and a CPU limit doubles what it adds to
// the start of a pod, so there is none where the pod's own containers have none: under contention the small request
// bounds what the sidecar gets. In classic mode podrole-init may use half a core in a Guaranteed pod, because the
// scheduler counts only the largest ordinary init container. A sidecar's CPU is reserved for the pod's whole lifetime,
// so there it is smaller and the start takes longer.
// (https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/)
import type { Pod, ResourceRequirements } from "../kubernetes/objects.ts";
import { formatQuantity, parseQuantity } from "../kubernetes/quantity.ts";
import { isPodroleContainer } from "../policy/facts.ts";
import { isObject } from "../runtime/json-object.ts";
import { allContainers } from "./shape.ts";

/** Quantities as Kubernetes writes them; undefined: podrole's containers get none. */
export interface ResourceSettings {
  readonly cpuRequest: string | undefined;
  readonly cpuLimit: string | undefined;
  readonly memoryRequest: string | undefined;
  readonly memoryLimit: string | undefined;
  /** CPU request and limit of podrole-sidecar in a Guaranteed pod, reserved for the pod's whole lifetime. */
  readonly guaranteedSidecarCpu: string;
  /** True: the CPU limit is set in every pod, and not only where all of the pod's own containers have one. */
  readonly alwaysLimitsCpu?: boolean;
}

/** By container; a container without an entry gets no resources of its own. */
export interface PodroleResources {
  readonly init?: ResourceRequirements;
  readonly sidecar?: ResourceRequirements;
}

/** Memory of podrole's containers in a Guaranteed pod, without a limit or request of the settings. */
const GUARANTEED_MEMORY = "96Mi";

/**
 * Chooses requests and limits, because a ResourceQuota or LimitRange may require them. The CPU limit is set only where
 * every container of the pod has one: a quota on `limits.cpu` refuses pods in which any container has none. A
 * Guaranteed pod stays Guaranteed. Of the resources that the pod sets for all its containers together
 * (`spec.resources`), podrole's containers set none, because the sum of the containers' requests must not exceed them.
 * (https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/,
 * https://kubernetes.io/docs/concepts/policy/resource-quotas/)
 */
export function resourcesFor(pod: Pod, settings: ResourceSettings): PodroleResources {
  const shared = podLevelResources(pod);
  const { cpuRequest, cpuLimit, memoryRequest, memoryLimit, guaranteedSidecarCpu, alwaysLimitsCpu } = settings;
  if (shared === undefined && isGuaranteed(pod)) {
    const memory = memoryLimit ?? memoryRequest ?? GUARANTEED_MEMORY;
    const exactly = (cpu: string) => ({ requests: { cpu, memory }, limits: { cpu, memory } });
    return { init: exactly(cpuLimit ?? guaranteedSidecarCpu), sidecar: exactly(guaranteedSidecarCpu) };
  }
  const limitsCpu = alwaysLimitsCpu === true || everyContainerHasCpuLimit(pod);
  const own = (quantities: Readonly<Record<string, string | undefined>>) =>
    Object.entries(quantities).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && shared?.has(entry[0]) !== true,
    );
  const requests = own({ cpu: cpuRequest, memory: memoryRequest });
  const limits = own({ cpu: limitsCpu ? cpuLimit : undefined, memory: memoryLimit });
  if (requests.length === 0 && limits.length === 0) return {};
  const both = {
    ...(requests.length > 0 && { requests: Object.fromEntries(requests) }),
    ...(limits.length > 0 && { limits: Object.fromEntries(limits) }),
  };
  return { init: both, sidecar: both };
}

/**
 * Returns the requests and limits of a podrole-init that starts after the sidecar, with which the pod reserves no more
 * than without it and stays Guaranteed; undefined if they would not make its start faster.
 */
export function holdingResources(pod: Pod, { init, sidecar }: PodroleResources): ResourceRequirements | undefined {
  if (!isGuaranteed(pod) || podLevelResources(pod) !== undefined) return undefined;
  const limit = (own: ResourceRequirements | undefined, name: "cpu" | "memory") =>
    parseQuantity(own?.limits?.[name]) ?? 0n;
  const [wanted, reserved] = [limit(init, "cpu"), amountOfApps(pod, "cpu")];
  const granted = wanted < reserved ? wanted : reserved;
  if (granted <= limit(sidecar, "cpu") || limit(init, "memory") > amountOfApps(pod, "memory")) return undefined;
  const amounts = { ...init?.limits, cpu: formatQuantity(granted, "cpu") };
  return { requests: amounts, limits: amounts };
}

/** Of the pod's own ordinary containers, which run as long as the pod does; in nano units. */
function amountOfApps({ spec }: Pod, name: "cpu" | "memory"): bigint {
  return spec.containers
    .filter((container) => !isPodroleContainer(container))
    .reduce((sum, { resources }) => sum + (parseQuantity(resources?.limits?.[name]) ?? 0n), 0n);
}

/**
 * Returns the names of the resources that the pod sets in `spec.resources`; undefined if Kubernetes does not count them
 * as pod-level resources, so that those of the containers decide the pod's class.
 * (IsPodLevelResourcesSet of k8s.io/component-helpers,
 * https://github.com/kubernetes/component-helpers/blob/v0.34.0/resource/helpers.go)
 */
export function podLevelResources({ spec }: Pod): ReadonlySet<string> | undefined {
  const { requests, limits } = isObject(spec["resources"]) ? spec["resources"] : {};
  const names = [requests, limits].flatMap((quantities) => (isObject(quantities) ? Object.keys(quantities) : []));
  const isPodLevel = (name: string) => name === "cpu" || name === "memory" || name.startsWith("hugepages-");
  return names.some(isPodLevel) ? new Set(names) : undefined;
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
