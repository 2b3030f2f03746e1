// Names and paths that are reserved for podrole. A pod that brings them itself is refused: its author could otherwise
// put their own container or volume in the place of one that other people trust.
import type { Pod, VolumeMount } from "../kubernetes/objects.ts";
import { INJECTED_VALUE, LABELS, quoted } from "../policy/annotations.ts";
import { isPodroleContainer } from "../policy/facts.ts";
import { type Refusal, refuse } from "../protocol/errors.ts";
import { PODROLE_NAMES } from "./names.ts";
import { findForeignPart } from "./parts.ts";
import { allContainers, listOf } from "./shape.ts";
import { cleanPath, TOKEN_DIRECTORIES } from "./token-mount.ts";

/**
 * Returns true for a pod with the label of injection. The label only selects pods and decides nothing, because
 * the pod's author can set it.
 * parts.ts recognises an injected pod.
 */
export function hasInjectedLabel({ metadata }: Pod): boolean {
  return metadata.labels?.[LABELS.injected] === INJECTED_VALUE;
}

/** Returns true if the pod has podrole's label or a container with a name of podrole's, whatever they contain. */
export function bearsOwnNames(pod: Pod): boolean {
  return pod.metadata.labels?.[LABELS.injected] !== undefined || allContainers(pod).some(isPodroleContainer);
}

/**
 * Returns NAME_RESERVED when the pod has a name or path of podrole's that no injection added. A pod may lack some of
 * podrole's parts, because other webhooks and `kubectl debug` remove some; each part that it has must equal what
 * injection adds. `image`: the image that is injected now.
 */
export function refuseReservedNames(pod: Pod, { image }: { readonly image: string }): Refusal | undefined {
  const found = findReservedLabel(pod) ?? findMountOverToken(pod) ?? findForeignPart(pod, image);
  if (found === undefined) return undefined;
  return refuse("NAME_RESERVED", `Cannot inject podrole: ${found}; expected another name or path`);
}

function findReservedLabel(pod: Pod): string | undefined {
  const label = pod.metadata.labels?.[LABELS.injected];
  return label === undefined || hasInjectedLabel(pod) ? undefined : `the pod already has the label ${LABELS.injected}`;
}

function findMountOverToken(pod: Pod): string | undefined {
  for (const { name, volumeMounts } of allContainers(pod)) {
    const mount = listOf(volumeMounts).find(coversToken);
    if (mount) return `container ${quoted(name)} mounts ${quoted(mount.name)} at ${quoted(mount.mountPath)}`;
  }
  return undefined;
}

/** True for another volume at the directory of the container's token, or inside it. */
function coversToken({ name, mountPath }: VolumeMount): boolean {
  const path = cleanPath(mountPath);
  const isInside = TOKEN_DIRECTORIES.includes(path) || INSIDE_TOKEN_DIRECTORIES.some((start) => path.startsWith(start));
  return isInside && name !== PODROLE_NAMES.tokensVolume;
}

const INSIDE_TOKEN_DIRECTORIES = TOKEN_DIRECTORIES.map((directory) => `${directory}/`);
