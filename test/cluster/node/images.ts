// Builds the suite's images with podman from podrole's own Dockerfiles, on the Node image of ../kubernetes/images.
import { spawnSync } from "node:child_process";
import { copyFile, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { build } from "esbuild";
import { ROOT } from "../../files.ts";

const WORKLOAD = join(import.meta.dirname, "workload");

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
  const [server, sidecar] = ["localhost/podrole-server:0.1.0", "localhost/podrole-sidecar:0.1.0"] as const;
  run("podman", ["build", "--quiet", "--file", join(ROOT, "Dockerfile.server"), ...base, "--tag", server, ROOT]);
  run("podman", ["build", "--quiet", "--file", join(ROOT, "Dockerfile.sidecar"), ...base, "--tag", sidecar, ROOT]);
  run("podman", ["build", "--quiet", "--tag", "localhost/podrole-test:1", directory]);
  const archives: string[] = [];
  const sizes: Record<string, ImageSizes> = {};
  const { size: baseBytes } = await stat(join(bases, "node.tar"));
  for (const image of [server, sidecar, "localhost/podrole-test:1"]) {
    const archive = join(directory, `${image.replaceAll(/\W/g, "-")}.tar`);
    await rm(archive, { force: true }); // podman does not overwrite an archive
    run("podman", ["save", "--quiet", "--output", archive, image]);
    archives.push(archive);
    const { size: bytes } = await stat(archive);
    sizes[image] = { bytes, added: bytes - baseBytes };
  }
  // The archives contain the images, so podman's store is restored to its earlier state.
  run("podman", [
    "rmi",
    "--force",
    server,
    sidecar,
    "localhost/podrole-test:1",
    "localhost/node:26",
    "localhost/node:26-busybox",
  ]);
  return { archives, sizes };
}

function run(command: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: "utf8", cwd: ROOT });
  if (status !== 0) throw new RangeError(`${command} ${args.join(" ")}: ${error?.message ?? stderr}`);
}
