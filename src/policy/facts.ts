// From a Kubernetes pod to what a decision reads of it. Webhook and server both come through here, so that both see
// the same containers.
import type { Pod } from "../kubernetes/objects.ts";
import type { PodFacts } from "./model.ts";

/** podrole's own containers: never users of a role. */
export const OWN_CONTAINERS: readonly string[] = ["podrole-init", "podrole-sidecar"];

/** `namespace` is given apart: a pod under admission often does not say its own. */
export function podFacts({ metadata, spec }: Pod, namespace: string): PodFacts {
  const containers = [...(spec.initContainers ?? []), ...spec.containers].map(({ name }) => name);
  return {
    namespace,
    name: metadata.name,
    uid: metadata.uid,
    serviceAccount: spec.serviceAccountName || "default",
    annotations: metadata.annotations ?? {},
    labels: metadata.labels ?? {},
    containers: containers.filter((name) => !OWN_CONTAINERS.includes(name)),
  };
}
