// Builds the suite's images with podman from podrole's own Dockerfiles, on the Node image of ../kubernetes/images.
import { spawnSync } from "node:child_process";
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

/**
 * `bases` is the folder that test/cluster/kubernetes/images/build.sh prints; all results are written to `directory`.
 */
export async function buildImages(bases: string, directory: string): Promise<BuiltImages> {
  run(process.execPath, [join(ROOT, "scripts/build.ts")]);
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
  const base = ["--build-arg", "BASE=localhost/node:26"];
  const own = ["server", "sidecar", "try"].map((name) => `podrole-${name}:0.1.0`);
  for (const [index, name] of ["server", "sidecar", "try"].entries()) {
    const tags = namesOf(own[index] ?? "").flatMap((tag) => ["--tag", tag]);
    run("podman", ["build", "--quiet", "--file", join(ROOT, `Dockerfile.${name}`), ...base, ...tags, ROOT]);
  }
  run("podman", ["build", "--quiet", "--tag", TEST_IMAGE, directory]);
  const archives: string[] = [];
  const sizes: Record<string, ImageSizes> = {};
  const { size: baseBytes } = await stat(join(bases, "node.tar"));
  for (const names of [...own.map(namesOf), [TEST_IMAGE]]) {
    const [image = ""] = names;
    const archive = join(directory, `${image.replaceAll(/\W/g, "-")}.tar`);
    await rm(archive, { force: true }); // podman does not overwrite an archive
    run("podman", ["save", "--quiet", "--multi-image-archive", "--output", archive, ...names]);
    archives.push(archive);
    const { size: bytes } = await stat(archive);
    sizes[image] = { bytes, added: bytes - baseBytes };
  }
  // The archives contain the images, so podman's store is restored to its earlier state.
  const built = [...own.flatMap(namesOf), TEST_IMAGE, "localhost/node:26", "localhost/node:26-busybox"];
  run("podman", ["rmi", "--force", ...built]);
  return { archives, sizes };
}

/** In a registry of the suite's own, and as Docker and kind name an image without a registry, which manifests/overlays/try does. */
function namesOf(image: string): readonly string[] {
  return [`localhost/${image}`, `docker.io/library/${image}`];
}

function run(command: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: "utf8", cwd: ROOT });
  if (status !== 0) throw new RangeError(`${command} ${args.join(" ")}: ${error?.message ?? stderr}`);
}
