// Names and paths that are reserved for podrole. A pod that brings them itself is refused: its author could otherwise
// put their own container or volume in the place of one that other people trust.
import type { Pod, VolumeMount } from "../kubernetes/objects.ts";
import { INJECTED_VALUE, LABELS, quoted } from "../policy/annotations.ts";
import { isPodroleContainer } from "../policy/facts.ts";
import { type Refusal, refuse } from "../protocol/errors.ts";
import { MOUNT_PATHS, PODROLE_NAMES, VOLUME_NAMES } from "./names.ts";
import { findForeignPart, isInjected } from "./parts.ts";
import { allContainers, listOf } from "./shape.ts";

/**
 * Returns true for a pod with the label of injection. The label only selects pods and decides nothing, because
 * the pod's author can set it.
 * parts.ts recognises an injected pod.
 */
export function hasInjectedLabel({ metadata }: Pod): boolean {
  return metadata.labels?.[LABELS.injected] === INJECTED_VALUE;
}

/**
 * Returns NAME_RESERVED when the pod has a name or path of podrole's that no injection added. A pod with the label may
 * lack some of podrole's parts, because other webhooks remove some; each part that it has must equal what injection
 * adds. `image`: the image that is injected now.
 */
export function refuseReservedNames(pod: Pod, { image }: { readonly image: string }): Refusal | undefined {
  const isOurs = hasInjectedLabel(pod) || isInjected(pod);
  const found =
    findReservedLabel(pod) ?? findMountOverToken(pod) ?? (isOurs ? findForeignPart(pod, image) : findReservedName(pod));
  if (found === undefined) return undefined;
  return refuse("NAME_RESERVED", `Cannot inject podrole: ${found}; expected another name or path`);
}

function findReservedLabel(pod: Pod): string | undefined {
  const label = pod.metadata.labels?.[LABELS.injected];
  return label === undefined || hasInjectedLabel(pod) ? undefined : `the pod already has the label ${LABELS.injected}`;
}

function findReservedName(pod: Pod): string | undefined {
  const container = allContainers(pod).find(isPodroleContainer);
  if (container) return `the pod already has a container ${quoted(container.name)}`;
  const volume = listOf(pod.spec.volumes).find(({ name }) => VOLUME_NAMES.includes(name));
  if (volume) return `the pod already has a volume ${quoted(volume.name)}`;
  for (const { name, volumeMounts } of allContainers(pod)) {
    const mount = listOf(volumeMounts).find((candidate) => VOLUME_NAMES.includes(candidate.name));
    if (mount) return `container ${quoted(name)} mounts the volume ${quoted(mount.name)}`;
  }
  return undefined;
}

function findMountOverToken(pod: Pod): string | undefined {
  for (const { name, volumeMounts } of allContainers(pod)) {
    const mount = listOf(volumeMounts).find(coversToken);
    if (mount) return `container ${quoted(name)} mounts ${quoted(mount.name)} at ${MOUNT_PATHS.tokenInContainer}`;
  }
  return undefined;
}

/** True for another volume at the directory of the container's token, or inside it. */
function coversToken({ name, mountPath }: VolumeMount): boolean {
  const path = mountPath.replaceAll(/\/+/g, "/").replace(/\/$/, "");
  if (path !== MOUNT_PATHS.tokenInContainer && !path.startsWith(`${MOUNT_PATHS.tokenInContainer}/`)) return false;
  return name !== PODROLE_NAMES.tokensVolume;
}
