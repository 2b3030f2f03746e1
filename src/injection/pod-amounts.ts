// What the containers of a pod request and may use together, as Kubernetes adds it up: containers and native sidecars
// run at the same time, ordinary init containers one after the other.
// (https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#resource-sharing-within-containers)
import type { Container, Pod } from "../kubernetes/objects.ts";
import { parseQuantity } from "../kubernetes/quantity.ts";
import { isPodroleContainer } from "../policy/facts.ts";
import { isObject } from "../runtime/json-object.ts";
import { allContainers, listOf } from "./shape.ts";

/**
 * Returns the amount of all containers except podrole's, in nano units. A container without a request requests its
 * limit.
 */
export function amountOfOthers({ spec }: Pod, kind: "requests" | "limits", name: string): bigint {
  const isOther = (container: Container) => !isPodroleContainer(container);
  let sidecars = 0n;
  let peak = 0n;
  for (const init of listOf(spec.initContainers).filter(isOther)) {
    const amount = amountOf(init, kind, name);
    if (init.restartPolicy === "Always") sidecars += amount;
    const together = init.restartPolicy === "Always" ? sidecars : sidecars + amount;
    if (together > peak) peak = together;
  }
  const running = spec.containers.filter(isOther).reduce((sum, each) => sum + amountOf(each, kind, name), sidecars);
  return running > peak ? running : peak;
}

/**
 * True if the pod is BestEffort without podrole's containers: none of the others requests or limits CPU or memory, nor
 * does the pod as a whole.
 * (https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/#besteffort)
 */
export function hasNoAmounts(pod: Pod): boolean {
  const isEmpty = (owner: unknown) => ["cpu", "memory"].every((name) => isUnsized(owner, name));
  const others = allContainers(pod).filter((container) => !isPodroleContainer(container));
  return isEmpty(pod.spec["resources"]) && others.every(({ resources }) => isEmpty(resources));
}

function isUnsized(owner: unknown, name: string): boolean {
  const { requests, limits } = isObject(owner) ? owner : {};
  return [requests, limits].every((amounts) => !isObject(amounts) || (parseQuantity(amounts[name]) ?? 0n) <= 0n);
}

function amountOf({ resources }: Container, kind: "requests" | "limits", name: string): bigint {
  const limit = parseQuantity(resources?.limits?.[name]);
  return (kind === "requests" ? (parseQuantity(resources?.requests?.[name]) ?? limit) : limit) ?? 0n;
}
