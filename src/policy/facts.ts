// Converts a Kubernetes pod to the facts that a decision reads. Webhook and server both use it, so that both see the
// same containers.
import type { Container, Pod } from "../kubernetes/objects.ts";
import { cutAnnotation, isPodAnnotation, MAX_ANNOTATIONS_LENGTH, valueOf } from "./annotations.ts";
import { MAX_CONTAINERS } from "./containers.ts";
import type { PodFacts, PolicySettings } from "./model.ts";
import { MAX_PIN_LENGTH, PIN_VARIABLE } from "./pin.ts";

/** podrole's own containers, which never get a role. */
export const OWN_CONTAINERS = {
  /** Classic mode; in native mode present only in pods that an earlier version injected. */
  init: "podrole-init",
  sidecar: "podrole-sidecar",
} as const;

/** True for podrole-init and podrole-sidecar, judged by name alone. */
export function isPodroleContainer({ name }: { readonly name: string }): boolean {
  return name === OWN_CONTAINERS.init || name === OWN_CONTAINERS.sidecar;
}

/** Returns the ServiceAccount of a pod, or of a pod template: an absent or empty name means "default" in Kubernetes. */
export function serviceAccountOf(spec: Pick<Pod["spec"], "serviceAccountName"> | undefined): string {
  return spec?.serviceAccountName || "default";
}

/** Returns the facts of a pod. `namespace` is separate, because a pod under admission often does not carry its own. */
export function podFacts({ metadata, spec }: Pod, namespace: string): PodFacts {
  // At admission nothing has validated the pod yet, so it may lack even its containers.
  const containers = [...(spec.initContainers ?? []), ...(spec.containers ?? [])];
  return {
    namespace,
    name: metadata.name,
    uid: metadata.uid,
    serviceAccount: serviceAccountOf(spec),
    annotations: metadata.annotations ?? {},
    labels: metadata.labels ?? {},
    containers: containers.filter((container) => !isPodroleContainer(container)).map(({ name }) => name),
    ...pinIn(containers),
  };
}

/**
 * Returns the facts with only the annotations that podrole reads, the labels that become session tags, and the pin if
 * it counts, for a cache: whoever creates pods chooses how large the others are. A decision on them is the same as on
 * all facts, for a pod of at most MAX_CONTAINERS containers. Of annotations that are too long, as much is kept as their
 * refusal needs.
 */
export function compactFacts(
  { pin, ...facts }: PodFacts,
  { sessionTagLabels = [], pinRoles }: Pick<PolicySettings, "sessionTagLabels" | "pinRoles">,
): PodFacts {
  const annotations: Record<string, string> = {};
  let length = 0;
  for (const [name, value] of Object.entries(facts.annotations)) {
    if (length > MAX_ANNOTATIONS_LENGTH) break;
    if (!isPodAnnotation(name)) continue;
    annotations[name] = cutAnnotation(value);
    length += name.length + value.length;
  }
  const labels = sessionTagLabels.flatMap((name) => {
    const value = valueOf(facts.labels, name);
    return value === undefined ? [] : [[name, value] as const];
  });
  const containers = facts.containers.slice(0, MAX_CONTAINERS);
  const pinned = pinRoles && pin !== undefined ? { pin } : {};
  return { ...facts, annotations, labels: Object.fromEntries(labels), containers, ...pinned };
}

/**
 * None counts of several variables with the pin's name, which parts.ts refuses, and none that is too long to be a pin.
 */
function pinIn(containers: readonly Container[]): Pick<PodFacts, "pin"> {
  const sidecars = containers.filter(({ name }) => name === OWN_CONTAINERS.sidecar);
  const [pin, ...others] = sidecars.flatMap(({ env }) => (env ?? []).filter(({ name }) => name === PIN_VARIABLE));
  if (typeof pin?.value !== "string" || pin.value.length > MAX_PIN_LENGTH || others.length > 0) return {};
  return { pin: pin.value };
}
