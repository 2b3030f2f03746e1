// Recognises podrole's own parts of a pod by what they are, not by the label podrole.io/injected, which any author can
// set. A pod is injected if it has podrole-sidecar, podrole's three volumes, and no other container that mounts what
// only podrole's containers may. Labels, environment, probes, hooks, resources, users, further mounts, and the registry
// and tag of the image are not compared, because versions, settings and other webhooks change them; of the environment
// only the pin is, which must be where plan() can replace it. An author can write these parts by hand: that is manual
// injection, and gives the pod nothing beyond what its namespace permits.
import type { Container, Pod, Volume, VolumeMount } from "../kubernetes/objects.ts";
import { quoted } from "../policy/annotations.ts";
import { isPodroleContainer } from "../policy/facts.ts";
import { PIN_VARIABLE } from "../policy/pin.ts";
import { isObject } from "../runtime/json-object.ts";
import { parseImage } from "./image.ts";
import { MOUNT_PATHS, PODROLE_NAMES, VOLUME_NAMES } from "./names.ts";
import { areProofSources } from "./pod-certificates.ts";
import { allContainers, listOf } from "./shape.ts";
import { isTokenMount } from "./token-mount.ts";

/** Returns true if the pod has all of podrole's parts, as injection makes them. The pod may have any metadata. */
export function isInjected(pod: Pod): boolean {
  return findMissingPart(pod) === undefined && findForeignPart(pod) === undefined;
}

/**
 * Returns true if the pod has some of podrole's containers or volumes, all as injection makes them: an injected pod, or
 * a copy of one that lost the rest.
 */
export function hasOwnParts(pod: Pod): boolean {
  const isOwnVolume = ({ name }: Volume) => VOLUME_NAMES.includes(name);
  const hasAny = allContainers(pod).some(isPodroleContainer) || listOf(pod.spec.volumes).some(isOwnVolume);
  return hasAny && findForeignPart(pod) === undefined;
}

/** Returns the first part that an injected pod has and this one has not, for a message. */
export function findMissingPart(pod: Pod): string | undefined {
  if (!allContainers(pod).some(({ name }) => name === PODROLE_NAMES.sidecar))
    return `it has no container ${PODROLE_NAMES.sidecar}`;
  const absent = VOLUME_NAMES.find((name) => listOf(pod.spec.volumes).every((volume) => volume.name !== name));
  return absent === undefined ? undefined : `it has no volume ${absent}`;
}

/**
 * Returns the first part with a name of podrole's that is not as injection makes it, for a message. `image` is the
 * image that the webhook injects now; without it, images are not compared.
 */
export function findForeignPart(pod: Pod, image?: string): string | undefined {
  const own = allContainers(pod).filter(isPodroleContainer);
  const repeated = own.find(({ name }, index) => index > 0 && name === own[0]?.name);
  if (repeated) return `the pod has several containers ${quoted(repeated.name)}`;
  for (const container of allContainers(pod)) {
    const state = isPodroleContainer(container)
      ? (findForeignSetting(container, listOf(pod.spec.initContainers).includes(container)) ??
        findForeignImage(container, image))
      : findForeignVolumeMount(container);
    if (state !== undefined) return `container ${quoted(container.name)} ${state}`;
  }
  for (const volume of listOf(pod.spec.volumes)) {
    if (VOLUME_NAMES.includes(volume.name) && !isPodroleVolume(volume)) {
      return `volume ${quoted(volume.name)} is of another kind than podrole's`;
    }
  }
  return undefined;
}

/**
 * podrole's containers have the argument "serve", "init" or "hold", no command of their own, no privileges, no added
 * capabilities, and podrole's three volumes at podrole's paths.
 */
function findForeignSetting(container: Container, isInit: boolean): string | undefined {
  const { name, args, command, securityContext, volumeMounts } = container;
  const expected = name === PODROLE_NAMES.init ? ["init", "hold"] : ["serve"];
  if (listOf(command).length > 0 || !expected.includes(listOf(args).join("\0")))
    return "does not run podrole's command";
  if (name === PODROLE_NAMES.init && !isInit) return "is not an init container";
  if (name === PODROLE_NAMES.sidecar && isInit && container.restartPolicy !== "Always") return "is not a sidecar";
  if (isPrivileged(securityContext)) return "is privileged";
  const mounts = listOf(volumeMounts);
  const odd = mounts.find((mount) => VOLUME_NAMES.includes(mount.name) && !isOwnMount(mount));
  if (odd) return `mounts ${quoted(odd.name)} at another path than podrole's`;
  if (hasForeignPin(container)) return `sets ${PIN_VARIABLE} in another way than podrole`;
  const absent = VOLUME_NAMES.find((volume) =>
    mounts.every(({ name: of, mountPath }) => of !== volume || mountPath !== OWN_MOUNTS[volume]),
  );
  return absent === undefined ? undefined : `does not mount the volume ${quoted(absent)}`;
}

function isOwnMount({ name, mountPath }: VolumeMount): boolean {
  return mountPath === OWN_MOUNTS[name] || (name === PODROLE_NAMES.proofVolume && mountPath === MOUNT_PATHS.apiToken);
}

function hasForeignPin({ name, env }: Container): boolean {
  const [pin, ...others] = listOf(env).filter((variable) => variable.name === PIN_VARIABLE);
  if (pin === undefined) return false;
  return name !== PODROLE_NAMES.sidecar || others.length > 0 || typeof pin.value !== "string" || Boolean(pin.valueFrom);
}

/** Paths of podrole's volumes in its own containers. */
const OWN_MOUNTS: Readonly<Record<string, string>> = {
  [PODROLE_NAMES.proofVolume]: MOUNT_PATHS.proof,
  [PODROLE_NAMES.identityVolume]: MOUNT_PATHS.identity,
  [PODROLE_NAMES.tokensVolume]: MOUNT_PATHS.tokens,
};

function isPrivileged(securityContext: unknown): boolean {
  if (!isObject(securityContext)) return false;
  const { privileged, allowPrivilegeEscalation, capabilities } = securityContext;
  const added = isObject(capabilities) ? capabilities["add"] : undefined;
  return privileged === true || allowPrivilegeEscalation === true || (Array.isArray(added) && added.length > 0);
}

/** Compares the name only: mirrors rewrite the registry, and upgrades the tag. */
function findForeignImage({ image = "" }: Container, ours: string | undefined): string | undefined {
  if (ours === undefined || [parseImage(ours).name, DEFAULT_IMAGE_NAME].includes(parseImage(image).name))
    return undefined;
  return `runs the image ${quoted(image)}`;
}

const DEFAULT_IMAGE_NAME = "podrole-sidecar";

/** What another container mounts of podrole's volumes beyond the directory of its own token. */
function findForeignVolumeMount({ name, volumeMounts }: Container): string | undefined {
  const mount = listOf(volumeMounts).find((other) => VOLUME_NAMES.includes(other.name) && !isOwnToken(name, other));
  return mount && `mounts the volume ${quoted(mount.name)}`;
}

function isOwnToken(container: string, mount: VolumeMount): boolean {
  const { subPath, subPathExpr, readOnly } = mount;
  return isTokenMount(mount) && subPath === container && !subPathExpr && readOnly === true;
}

/** The proof's volume projects nothing but a proof; the other two are in memory. */
function isPodroleVolume({ name, ...sources }: Volume): boolean {
  const [kind, ...others] = Object.keys(sources).filter((key) => sources[key] !== null && sources[key] !== undefined);
  const source = kind === undefined ? undefined : sources[kind];
  if (others.length > 0 || !isObject(source)) return false;
  if (name !== PODROLE_NAMES.proofVolume) return kind === "emptyDir" && source["medium"] === "Memory";
  return kind === "projected" && areProofSources(source["sources"]);
}
