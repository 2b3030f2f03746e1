// Builds the suite's images with podman from podrole's own Dockerfiles, on the Node image of ../kubernetes/images; or
// only the suite's own image, if podrole's are those of a release.
import { spawnSync } from "node:child_process";
import { globSync } from "node:fs";
import { copyFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import { ROOT } from "../../files.ts";

const WORKLOAD = join(import.meta.dirname, "workload");
const TEST_IMAGE = "localhost/podrole-test:1";

export interface BuiltImages {
  /** Archives for `node.sh load`. */
  readonly archives: readonly string[];
  /** By image name. */
  readonly sizes: Readonly<Record<string, ImageSizes>>;
}

export interface ImageSizes {
  /** Uncompressed size of the whole image. */
  readonly bytes: number;
  /** Bytes that podrole adds to the base image. */
  readonly added: number;
}

/** podrole's own images, by the suffix of their Dockerfiles. */
const PODROLE_IMAGES = ["server", "sidecar", "try"];

/**
 * `bases` is the folder that test/cluster/kubernetes/images/build.sh prints; all results are written to `directory`.
 * `artefacts`: a folder of `npm run release:dry`, whose images are used.
 */
export async function buildImages(bases: string, directory: string, artefacts?: string): Promise<BuiltImages> {
  await build({
    entryPoints: ["app", "load", "other", "sts"].map((name) => join(WORKLOAD, `${name}.ts`)),
    outdir: directory,
    outExtension: { ".js": ".cjs" },
    bundle: true,
    format: "cjs",
    platform: "node",
    logLevel: "warning",
  });
  await copyFile(join(WORKLOAD, "Dockerfile"), join(directory, "Dockerfile"));
  for (const base of ["node", "node-busybox"])
    run("podman", ["load", "--quiet", "--input", join(bases, `${base}.tar`)]);
  const built = [...(artefacts === undefined ? buildPodrole() : []), [TEST_IMAGE]];
  run("podman", ["build", "--quiet", "--tag", TEST_IMAGE, directory]);
  const archives = artefacts === undefined ? [] : globSync(join(artefacts, "*.tar"));
  const sizes: Record<string, ImageSizes> = {};
  const { size: baseBytes } = await stat(join(bases, "node.tar"));
  for (const names of built) {
    const [image = ""] = names;
    const archive = join(directory, `${image.replaceAll(/\W/g, "-")}.tar`);
    await rm(archive, { force: true }); // podman does not overwrite an archive
    run("podman", ["save", "--quiet", "--multi-image-archive", "--output", archive, ...names]);
    archives.push(archive);
    const { size: bytes } = await stat(archive);
    sizes[image] = { bytes, added: bytes - baseBytes };
  }
  // The archives contain the images, so podman's store is restored to its earlier state.
  run("podman", ["rmi", "--force", ...built.flat(), "localhost/node:26", "localhost/node:26-busybox"]);
  return { archives, sizes };
}

/**
 * Builds podrole's own images; returns the names of each: in a registry of the suite's own, and as Docker and kind name
 * an image without a registry, which manifests/overlays/try does.
 */
function buildPodrole(): readonly (readonly string[])[] {
  run(process.execPath, [join(ROOT, "scripts/build.ts")]);
  return PODROLE_IMAGES.map((name) => {
    const names = ["localhost", "docker.io/library"].map((registry) => `${registry}/podrole-${name}:0.1.0`);
    const flags = ["--file", join(ROOT, `Dockerfile.${name}`), "--build-arg", "BASE=localhost/node:26"];
    run("podman", ["build", "--quiet", ...flags, ...names.flatMap((tag) => ["--tag", tag]), ROOT]);
    return names;
  });
}

function run(command: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: "utf8", cwd: ROOT });
  if (status !== 0) throw new RangeError(`${command} ${args.join(" ")}: ${error?.message ?? stderr}`);
}
