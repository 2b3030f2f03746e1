// What holds the other containers of a pod back until podrole-sidecar has credentials. In a Guaranteed pod the sidecar
// may use no more CPU than the pod reserves for it as long as it runs, so there podrole-init does the first renewal:
// Kubernetes reserves for an ordinary init container only what exceeds the amount of the pod's own containers.
// (https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#resource-sharing-within-containers,
// docs/adr/cpu-of-a-start.md)
import type { Pod } from "../kubernetes/objects.ts";
import { type ContainerPlan, type ContainerSettings, waitsWithoutRestart } from "./containers.ts";
import { PODROLE_NAMES } from "./names.ts";
import type { StartGate } from "./podrole-env.ts";
import { holdingResources, resourcesFor } from "./resources.ts";
import { listOf } from "./shape.ts";

/** Chooses the gate. A pod that has podrole's containers already keeps the one that it has been given. */
export function chooseGate(
  pod: Pod,
  { mode, isCutOff }: Pick<ContainerPlan, "mode"> & { readonly isCutOff: boolean },
  settings: Pick<ContainerSettings, "sidecarCommand" | "resources" | "fitted">,
): StartGate {
  if (mode === "native" && (holdsWithInit(pod) ?? affordsInit(pod, settings))) return "init";
  return settings.sidecarCommand.length > 0 && !isCutOff && !waitsWithoutRestart(pod, mode) ? "hook" : "probe";
}

/** Undefined in a pod without podrole-sidecar. A podrole-init of an earlier version is in front of it. */
function holdsWithInit({ spec }: Pod): boolean | undefined {
  const names = listOf(spec.initContainers).map(({ name }) => name);
  const sidecar = names.indexOf(PODROLE_NAMES.sidecar);
  return sidecar < 0 ? undefined : names.indexOf(PODROLE_NAMES.init) > sidecar;
}

function affordsInit(pod: Pod, settings: Pick<ContainerSettings, "resources" | "fitted">): boolean {
  return holdingResources(pod, settings.fitted ?? resourcesFor(pod, settings.resources)) !== undefined;
}
