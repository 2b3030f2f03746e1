// Everything that a release consists of, in one folder: npm package, chart, images, bills of materials, krew manifest,
// and the checksums of all. Two runs write the same bytes.
import { createHash } from "node:crypto";
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildServer, buildTry } from "../build-command-line.ts";
import { buildPackage } from "../build-package.ts";
import { buildSidecar } from "../build-sidecar.ts";
import { ROOT } from "../root.ts";
import { addLegalFiles } from "../third-party.ts";
import type { BasePackage } from "./base-packages.ts";
import { packExecutables } from "./executable.ts";
import { allReleaseFileNames, releaseFileNames } from "./file-names.ts";
import { IMAGE_NAMES, type ImageOptions, packImage } from "./images.ts";
import { krewManifest } from "./krew.ts";
import { type BuildInputs, type ProvenanceSubject, provenanceStatement } from "./provenance.ts";
import { writeSbom } from "./sbom.ts";
import { packReproducibly, runReleaseTool } from "./tools.ts";

/** What the artefacts are made of. */
export interface ArtefactOptions extends ImageOptions {
  /** What base/build.sh prints: Node for the executables; podman must have loaded the images' base from it. */
  readonly base: string;
  readonly basePackages: readonly BasePackage[];
  readonly inputs: BuildInputs;
}

/** The artefacts of a release. */
export interface Artefacts {
  /** Their names, sorted; the checksums are the last. */
  readonly files: readonly string[];
  /** Digest of each image's index, by the image's name. */
  readonly images: Readonly<Record<string, string>>;
}

/** Where registries and users find the artefacts. */
export const NPM_URI = "https://registry.npmjs.org/podrole/-";

/** Writes the artefacts; removes what was in the folder. */
export async function makeArtefacts(directory: string, options: ArtefactOptions): Promise<Artefacts> {
  const { version } = options;
  const names = releaseFileNames(version);
  const staging = `${directory}-staging`;
  for (const folder of [directory, staging]) rmSync(folder, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });

  const builds = { server: buildServer, sidecar: buildSidecar, try: buildTry };
  for (const folder of ["server", "sidecar", "try"] as const) {
    const bundle = await builds[folder](join(staging, "dist", folder));
    await addLegalFiles(join(staging, "dist", folder), bundle);
    await writeSbom(bundle, join(directory, names.sbom(`podrole-${folder}`)), options.basePackages);
  }
  const npm = await buildPackage(join(staging, "package"));

  runReleaseTool("npm", ["pack", "--silent", "--pack-destination", directory, join(staging, "package")]);
  await writeSbom(npm, join(directory, names.sbom("podrole-package")));
  packChart(join(directory, names.chart), staging);
  const images = Object.fromEntries(
    IMAGE_NAMES.map((name) => {
      return [name, packImage(join(directory, names.image(name)), staging, name, options)];
    }),
  );
  await packExecutables(directory, { staging, base: options.base, version });
  const sha256 = sha256Of(join(directory, names.npm));
  writeFileSync(join(directory, names.krew), krewManifest({ version, uri: `${NPM_URI}/${names.npm}`, sha256 }));

  const subjects = [
    ...subjectsIn(directory),
    ...Object.entries(images).map(([name, digest]) => ({ name, sha256: digest.replace("sha256:", "") })),
  ];
  const statement = JSON.stringify(provenanceStatement(subjects, options.inputs), undefined, 2);
  writeFileSync(join(directory, names.provenance), `${statement}\n`);
  const all = subjectsIn(directory);
  writeFileSync(join(directory, names.checksums), all.map(({ name, sha256 }) => `${sha256}  ${name}\n`).join(""));
  rmSync(staging, { recursive: true });
  const files = [...all.map(({ name }) => name), names.checksums];
  const expected = allReleaseFileNames(version).toSorted().join(", ");
  if (files.toSorted().join(", ") !== expected) {
    throw new Error(`Cannot release ${version}: the build wrote ${files.join(", ")}; expected ${expected}`);
  }
  return { files, images };
}

function subjectsIn(directory: string): readonly ProvenanceSubject[] {
  const files = globSync("*", { cwd: directory }).sort();
  return files.map((name) => ({ name, sha256: sha256Of(join(directory, name)) }));
}

/** `helm package` writes the time of its run into the archive, so two runs of it differ. */
function packChart(archive: string, staging: string): void {
  cpSync(join(ROOT, "manifests/chart"), join(staging, "chart/podrole"), { recursive: true });
  for (const file of ["LICENSE", "NOTICE"]) cpSync(join(ROOT, file), join(staging, "chart/podrole", file));
  const flags = ["--use-compress-program=gzip --no-name", "--transform=s,^\\./,,", "--exclude=podrole/Chart.lock"];
  packReproducibly(archive, join(staging, "chart"), flags);
}

/** Returns the SHA-256 of a file as hexadecimal digits. */
export function sha256Of(file: string): string {
  return createHash("sha256").update(readFileSync(file)).digest("hex");
}
