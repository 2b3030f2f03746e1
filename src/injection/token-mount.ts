// Where a container finds its authorization token. The runtime creates the directory of a mount inside of the mount
// around it, which fails if that one is read-only: such a container gets its token in a directory of the root.
import type { Container, Volume, VolumeMount } from "../kubernetes/objects.ts";
import { MOUNT_PATHS, PODROLE_NAMES } from "./names.ts";
import { listOf } from "./shape.ts";

/** Every directory in which a container may find its token. */
export const TOKEN_DIRECTORIES: readonly string[] = [MOUNT_PATHS.tokenInContainer, MOUNT_PATHS.tokenBesideRun];

/** Directories around the usual one. In almost every image /var/run is a link to /run. */
const DIRECTORIES_AROUND: ReadonlySet<string> = new Set([
  "/run",
  "/run/secrets",
  "/var",
  "/var/run",
  "/var/run/secrets",
]);

/** Sources of volumes that the kubelet mounts read-only. */
const READ_ONLY_SOURCES: readonly string[] = ["configMap", "secret", "projected", "downwardAPI", "image"];

/** Returns the directory of the container's token; of a container that has one, the present one. */
export function tokenDirectoryOf({ volumeMounts }: Container, volumes: readonly Volume[] | undefined): string {
  const mounts = listOf(volumeMounts);
  const present = mounts.find(isTokenMount);
  if (present) return present.mountPath;
  const isInReadOnly = mounts.some(
    (mount) => DIRECTORIES_AROUND.has(cleanPath(mount.mountPath)) && isReadOnly(mount, volumes),
  );
  return isInReadOnly ? MOUNT_PATHS.tokenBesideRun : MOUNT_PATHS.tokenInContainer;
}

/** True for podrole's volume with the tokens at one of TOKEN_DIRECTORIES. */
export function isTokenMount({ name, mountPath }: VolumeMount): boolean {
  return name === PODROLE_NAMES.tokensVolume && TOKEN_DIRECTORIES.includes(mountPath);
}

/** The path with single slashes and none at its end. */
export function cleanPath(path: string): string {
  // Nearly all paths are as they should be.
  if (!path.includes("//") && !path.endsWith("/")) return path;
  return path.replaceAll(/\/+/g, "/").replace(/\/$/, "");
}

function isReadOnly({ name, readOnly }: VolumeMount, volumes: readonly Volume[] | undefined): boolean {
  const source = listOf(volumes).find((volume) => volume.name === name);
  return readOnly === true || READ_ONLY_SOURCES.some((kind) => Boolean(source?.[kind]));
}
