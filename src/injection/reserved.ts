// Names and paths that are podrole's. A pod that brings them itself is refused: its author could otherwise put a
// container or a volume of his own in the place of one that other people trust.
import type { Pod, VolumeMount } from "../kubernetes/objects.ts";
import { LABELS, quoted } from "../policy/annotations.ts";
import type { Refusal } from "../protocol/errors.ts";
import { INJECTED_LABEL_VALUE, isPodroleContainer, NAMES, PATHS, VOLUME_NAMES } from "./names.ts";
import { allContainers, listOf } from "./shape.ts";

/** True when an earlier call injected the pod (reinvocation, or a copy of an injected pod). */
export function isMarked({ metadata }: Pod): boolean {
  return metadata.labels?.[LABELS.injected] === INJECTED_LABEL_VALUE;
}

/** NAME_RESERVED when the pod has something of podrole's that no injection gave it. */
export function refuseReservedNames(pod: Pod): Refusal | undefined {
  const found = foreignMount(pod) ?? (isMarked(pod) ? undefined : foreignName(pod));
  if (found === undefined) return undefined;
  return { code: "NAME_RESERVED", message: `Cannot inject podrole: ${found}, wanted another name` };
}

function foreignName(pod: Pod): string | undefined {
  const label = pod.metadata.labels?.[LABELS.injected];
  if (label !== undefined) return `the pod already has the label ${LABELS.injected}`;
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

function foreignMount(pod: Pod): string | undefined {
  for (const { name, volumeMounts } of allContainers(pod)) {
    const mount = listOf(volumeMounts).find(isForeign);
    if (mount) return `container ${quoted(name)} mounts ${quoted(mount.name)} at ${PATHS.tokenInContainer}`;
  }
  return undefined;
}

/** Something else where the container's token belongs, or inside of it. */
function isForeign({ name, mountPath }: VolumeMount): boolean {
  const path = mountPath.replaceAll(/\/+/g, "/").replace(/\/$/, "");
  if (path !== PATHS.tokenInContainer && !path.startsWith(`${PATHS.tokenInContainer}/`)) return false;
  return name !== NAMES.tokensVolume;
}
