// Everything that a release consists of, in one folder: npm package, chart, images, bills of materials, krew manifest, and
// the checksums of all. Two runs write the same bytes.
import { createHash } from "node:crypto";
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildServer } from "../build-command-line.ts";
import { buildPackage } from "../build-package.ts";
import { buildSidecar } from "../build-sidecar.ts";
import { ROOT } from "../root.ts";
import { addLegalFiles } from "../third-party.ts";
import { krewManifest } from "./krew.ts";
import { writeSbom } from "./sbom.ts";
import { packReproducibly, runReleaseTool } from "./tools.ts";

/** What the artefacts are made of. */
export interface ArtefactOptions {
  readonly version: string;
  /** Commit and its date (RFC 3339), for the images' labels. */
  readonly revision: string;
  readonly created: string;
  /** Base of the images, which podman has already. */
  readonly base: string;
}

/** Where registries and users find the artefacts. */
export const NPM_URI = "https://registry.npmjs.org/podrole/-";

/** Writes the artefacts; removes what was in the folder. Returns their paths in it, sorted. */
export async function makeArtefacts(directory: string, options: ArtefactOptions): Promise<readonly string[]> {
  const { version } = options;
  const staging = `${directory}-staging`;
  for (const folder of [directory, staging]) rmSync(folder, { recursive: true, force: true });
  for (const folder of ["npm", "chart", "images", "sbom", "krew"])
    mkdirSync(join(directory, folder), { recursive: true });

  const server = await buildServer(join(staging, "dist/server"));
  const sidecar = await buildSidecar(join(staging, "dist/sidecar"));
  await addLegalFiles(join(staging, "dist/server"), server);
  await addLegalFiles(join(staging, "dist/sidecar"), sidecar);
  const npm = await buildPackage(join(staging, "package"));

  runReleaseTool("npm", ["pack", "--silent", "--pack-destination", join(directory, "npm"), join(staging, "package")]);
  await writeSbom(server, join(directory, `sbom/podrole-server-${version}.cdx.json`));
  await writeSbom(sidecar, join(directory, `sbom/podrole-sidecar-${version}.cdx.json`));
  await writeSbom(npm, join(directory, `sbom/podrole-package-${version}.cdx.json`));
  packChart(join(directory, `chart/podrole-${version}.tgz`), staging);
  for (const name of ["podrole-server", "podrole-sidecar"] as const) packImage(directory, staging, name, options);
  const archive = `podrole-${version}.tgz`;
  const sha256 = sha256Of(join(directory, "npm", archive));
  writeFileSync(join(directory, "krew/podrole.yaml"), krewManifest({ version, uri: `${NPM_URI}/${archive}`, sha256 }));

  const files = globSync("*/*", { cwd: directory }).sort();
  const sums = files.map((file) => `${sha256Of(join(directory, file))}  ${file}\n`);
  writeFileSync(join(directory, "SHA256SUMS"), sums.join(""));
  rmSync(staging, { recursive: true });
  return [...files, "SHA256SUMS"];
}

/** `helm package` writes the time of its run into the archive, so two runs of it differ. */
function packChart(archive: string, staging: string): void {
  cpSync(join(ROOT, "manifests/chart"), join(staging, "chart/podrole"), { recursive: true });
  cpSync(join(ROOT, "LICENSE"), join(staging, "chart/podrole/LICENSE"));
  const flags = ["--use-compress-program=gzip --no-name", "--transform=s,^\\./,,", "--exclude=podrole/Chart.lock"];
  packReproducibly(archive, join(staging, "chart"), flags);
}

function packImage(directory: string, staging: string, name: string, options: ArtefactOptions): void {
  const { version, revision, created, base } = options;
  const tag = `localhost/${name}:release-${version}`;
  const values = { BASE: base, VERSION: version, REVISION: revision, CREATED: created };
  const args = Object.entries(values).flatMap(([key, value]) => ["--build-arg", `${key}=${value}`]);
  const dockerfile = join(ROOT, `Dockerfile.${name.replace("podrole-", "")}`);
  const layers = ["--no-cache", "--format", "oci", "--timestamp", "0"];
  runReleaseTool("podman", ["build", "--quiet", ...layers, "--file", dockerfile, ...args, "--tag", tag, staging]);
  const layout = join(staging, name);
  runReleaseTool("podman", ["save", "--quiet", "--format", "oci-dir", "--output", layout, tag]);
  runReleaseTool("podman", ["rmi", "--force", tag]);
  packReproducibly(join(directory, `images/${name}-${version}-${machineArchitecture()}.tar`), layout, []);
}

/** The name that OCI images use. */
function machineArchitecture(): string {
  return process.arch === "x64" ? "amd64" : process.arch;
}

function sha256Of(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}
