// Service meshes in the same pod. Their network containers redirect the pod's traffic to a proxy; between the redirect
// and the start of that proxy nothing reaches podrole's server, so podrole must not stand there.
import type { Container, Pod } from "../kubernetes/objects.ts";
import { ANNOTATIONS } from "../policy/annotations.ts";
import { allContainers, listOf } from "./shape.ts";
import { type Warning, warningOf } from "./warnings.ts";

/** They redirect (istio-init, linkerd-init) or check that the mesh's CNI plugin did. */
const NETWORK = new Set(["istio-init", "istio-validation", "linkerd-init", "linkerd-network-validator"]);
const PROXIES = new Set(["istio-proxy", "linkerd-proxy"]);

/**
 * How many init containers stay before podrole's: the mesh's own that stand first, its proxy included when it is a
 * native sidecar. None when the proxy is an ordinary container: it would start only after podrole's first
 * credentials, and those could not be had until then (https://istio.io/latest/docs/ops/best-practices/ on init
 * containers).
 */
export function leadingMeshContainers({ spec }: Pod): number {
  if (listOf(spec.containers).some(isProxy)) return 0;
  const inits = listOf(spec.initContainers);
  const first = inits.findIndex((container) => !NETWORK.has(container.name) && !isProxy(container));
  return first < 0 ? inits.length : first;
}

/** How many ordinary containers stay before podrole-sidecar in classic mode: a proxy that holds the others back. */
export function leadingMeshProxies({ spec }: Pod): number {
  return isProxy(spec.containers[0]) ? 1 : 0;
}

/** True when a container that stands at `index` or later is a mesh's proxy. */
export function hasProxyFrom({ spec }: Pod, index: number): boolean {
  return spec.containers.slice(index).some(isProxy);
}

/** A mesh's own containers take part only when an annotation names them. */
export function takesPart({ metadata }: Pod, { name }: Container): boolean {
  if (!NETWORK.has(name) && !PROXIES.has(name)) return true;
  const annotations = metadata.annotations ?? {};
  const named = (annotations[ANNOTATIONS.containers] ?? "").split(",").map((listed) => listed.trim());
  return Object.hasOwn(annotations, ANNOTATIONS.roleOfContainer + name) || named.includes(name);
}

/** What a mesh's own settings must say, because no place among the containers can make up for it. */
export function meshWarnings(pod: Pod, healthPort: number): readonly Warning[] {
  const containers = allContainers(pod);
  const has = (name: string) => containers.some((container) => container.name === name);
  const says = (annotation: string) => Object.hasOwn(pod.metadata.annotations ?? {}, annotation);
  const redirectedByCni = listOf(pod.spec.containers).some(isProxy);
  return [
    ...(has("istio-proxy") && !says("traffic.sidecar.istio.io/excludeInboundPorts")
      ? [warningOf("ISTIO_PROBES_FAIL", healthPort)]
      : []),
    ...(has("istio-validation") && redirectedByCni && !says("traffic.sidecar.istio.io/excludeOutboundPorts")
      ? [warningOf("ISTIO_CNI_BLOCKS")]
      : []),
    ...(has("linkerd-network-validator") && redirectedByCni && !says("config.linkerd.io/skip-outbound-ports")
      ? [warningOf("LINKERD_CNI_BLOCKS")]
      : []),
  ];
}

function isProxy(container: Container | undefined): boolean {
  return container !== undefined && PROXIES.has(container.name);
}
