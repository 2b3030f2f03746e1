// Converts a Kubernetes pod to the facts that a decision reads. Webhook and server both use it, so that both see the
// same containers.
import type { Pod } from "../kubernetes/objects.ts";
import type { PodFacts } from "./model.ts";

/** podrole's own containers, which never get a role. */
export const OWN_CONTAINERS: readonly string[] = ["podrole-init", "podrole-sidecar"];

/** Returns the facts of a pod. `namespace` is separate, because a pod under admission often does not carry its own. */
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
