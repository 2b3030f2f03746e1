// Service meshes in the same pod. Their network containers redirect the pod's traffic to a proxy. Between the redirect
// and the start of that proxy nothing in the pod can reach podrole's server, so podrole must not start in between.
import type { Container, Pod } from "../kubernetes/objects.ts";
import { MESH_NETWORK_CONTAINERS, MESH_PROXIES } from "../policy/containers.ts";
import { allContainers, listOf } from "./shape.ts";
import { type Warning, warningOf } from "./warnings.ts";

/**
 * Number of init containers that stay before podrole's: the leading ones of the mesh, its proxy included when that is a
 * native sidecar. Zero when the proxy is an ordinary container: the proxy would start only after podrole has its first
 * credentials, and podrole could not get them until the proxy runs (https://istio.io/latest/docs/ops/best-practices/ on
 * init containers).
 */
export function leadingMeshContainers({ spec }: Pod): number {
  if (listOf(spec.containers).some(isProxy)) return 0;
  const inits = listOf(spec.initContainers);
  const first = inits.findIndex((container) => !MESH_NETWORK_CONTAINERS.has(container.name) && !isProxy(container));
  return first < 0 ? inits.length : first;
}

/** Number of ordinary containers that stay before podrole-sidecar in classic mode: a proxy that delays the others. */
export function leadingMeshProxies({ spec }: Pod): number {
  return isProxy(spec.containers[0]) ? 1 : 0;
}

/** True for a mesh's proxy that starts before the containers that follow it, as a native sidecar. */
export function isNativeProxy(container: Container): boolean {
  return isProxy(container) && container.restartPolicy === "Always";
}

/** True for a network container of a mesh whose proxy is an ordinary container: after it, podrole reaches no server. */
export function isCutOffBy({ spec }: Pod, container: Container): boolean {
  return MESH_NETWORK_CONTAINERS.has(container.name) && listOf(spec.containers).some(isProxy);
}

/** True when an ordinary container at `index` or later is a mesh's proxy. */
export function hasProxyFrom({ spec }: Pod, index: number): boolean {
  return spec.containers.slice(index).some(isProxy);
}

/** Warns about mesh settings that podrole needs and that no order of containers can replace. */
export function meshWarnings(pod: Pod, healthPort: number): readonly Warning[] {
  const containers = allContainers(pod);
  const has = (name: string) => containers.some((container) => container.name === name);
  const isSet = (annotation: string) => Object.hasOwn(pod.metadata.annotations ?? {}, annotation);
  const redirectedByCni = listOf(pod.spec.containers).some(isProxy);
  return [
    ...(has("istio-proxy") && !isSet("traffic.sidecar.istio.io/excludeInboundPorts")
      ? [warningOf("ISTIO_PROBES_FAIL", healthPort)]
      : []),
    ...(has("istio-validation") && redirectedByCni && !isSet("traffic.sidecar.istio.io/excludeOutboundPorts")
      ? [warningOf("ISTIO_CNI_BLOCKS")]
      : []),
    ...(has("linkerd-network-validator") && redirectedByCni && !isSet("config.linkerd.io/skip-outbound-ports")
      ? [warningOf("LINKERD_CNI_BLOCKS")]
      : []),
  ];
}

function isProxy(container: Container | undefined): boolean {
  return container !== undefined && MESH_PROXIES.has(container.name);
}
