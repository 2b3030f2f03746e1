// What LimitRanger adds to a pod before the API server calls webhooks. A template or a manifest does not have it yet,
// so commands that judge one apply it first.
// (https://github.com/kubernetes/kubernetes/blob/v1.34.0/plugin/pkg/admission/limitranger/admission.go)
import type { Container, Pod } from "../kubernetes/objects.ts";
import type { SizeRange } from "./namespace-limits.ts";

/** Returns the pod with the requests and limits that LimitRanges set for containers that have none. */
export function applyRangeDefaults(pod: Pod, ranges: readonly SizeRange[]): Pod {
  const ofContainers = ranges.filter(({ type }) => type === "Container");
  if (ofContainers.length === 0) return pod;
  const sized = (container: Container) => ofContainers.reduce(withDefaultsOf, container);
  const { containers, initContainers } = pod.spec;
  return {
    ...pod,
    spec: {
      ...pod.spec,
      containers: containers.map(sized),
      ...(initContainers && { initContainers: initContainers.map(sized) }),
    },
  };
}

/** The API server has set the request of a container to its limit, where it had none, before LimitRanger sees it. */
function withDefaultsOf(container: Container, range: SizeRange): Container {
  const { requests = {}, limits = {} } = container.resources ?? {};
  return {
    ...container,
    resources: {
      ...container.resources,
      requests: { ...range.defaultRequest, ...limits, ...requests },
      limits: { ...range.default, ...limits },
    },
  };
}
