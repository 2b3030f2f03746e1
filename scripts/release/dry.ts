// npm run release:dry: makes everything that a release consists of, twice, compares both, signs the artefacts with a
// key that is removed afterwards, verifies them with the commands that users run, and lists what to upload where. It
// publishes nothing and, once the caches are filled, needs no network. Writes dist/release. With --install it also
// installs the artefacts into a cluster of this machine. docs/release.md describes it.
import { cpSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import packageJson from "../../package.json" with { type: "json" };
import { startScript } from "../command-line/start-script.ts";
import { ROOT } from "../root.ts";
import { type Artefacts, makeArtefacts, sha256Of } from "./artefacts.ts";
import { readBasePackages } from "./base-packages.ts";
import { releaseFileNames, signatureNameOf } from "./file-names.ts";
import { IMAGE_NAMES, type ImageName, loadBases } from "./images.ts";
import { extractFiles, unpackArchive } from "./oci-archive.ts";
import { provenancePredicate } from "./provenance.ts";
import { rehearseSigning } from "./rehearse-signing.ts";
import { runArm64 } from "./run-arm64.ts";
import { runAttached, runReleaseTool } from "./tools.ts";
import { artefactVerifications, runVerifications } from "./verification.ts";
import { versionProblems } from "./versions.ts";

const { version } = packageJson;
const { install } = startScript("release:dry").values;
const print = (line: string) => console.log(line);
const began = performance.now();

const names = releaseFileNames(version);

/** Where a file goes besides the release's page, which has all of them. */
const UPLOADS: Readonly<Record<string, string>> = {
  [names.npm]: "npm registry: npm publish --provenance",
  [names.chart]: "OCI registry of charts: helm push",
  [names.krew]: "a pull request to the index of krew plugins",
  [names.provenance]: "attached to the images: cosign attest",
  ...Object.fromEntries(IMAGE_NAMES.map((name) => [names.image(name), "OCI registry of images: skopeo copy --all"])),
  ...Object.fromEntries(IMAGE_NAMES.map((name) => [names.sbom(name), "attached to the image: cosign attest"])),
};

function printStep(title: string): void {
  print(`\n== ${title} (after ${((performance.now() - began) / 1_000).toFixed(0)} s)`);
}

/** Builds the programs and the base of the images, unless this machine has them already. */
function prepareTools() {
  const base = runReleaseTool("bash", ["scripts/release/base/build.sh"]).trim();
  loadBases(base);
  const helm = join(runReleaseTool("bash", ["test/cluster/helm/build.sh"]).trim(), "helm");
  const cosign = join(runReleaseTool("bash", ["scripts/release/cosign/build.sh"]).trim(), "cosign");
  return { helm, cosign, base, basePackages: readBasePackages(base) };
}

function sameBytes(one: string, other: string, { files }: Artefacts): void {
  const different = files.filter((file) => !readFileSync(join(one, file)).equals(readFileSync(join(other, file))));
  if (different.length > 0) {
    throw new Error(`Cannot release ${version}: two builds of ${different.join(", ")} differ; expected the same bytes`);
  }
}

function unpack(name: ImageName, directory: string, scratch: string) {
  return unpackArchive(join(directory, names.image(name)), join(scratch, "archives", name));
}

async function main(): Promise<void> {
  printStep(`podrole ${version}: versions and CHANGELOG`);
  const problems = versionProblems((file) => readFileSync(join(ROOT, file), "utf8"), version);
  if (problems.length > 0) throw new Error(`Cannot release ${version}: ${problems.join("; ")}`);
  print("all files name this version, and CHANGELOG.md has its section");

  printStep("programs and base of the images");
  const { helm, cosign, base, basePackages } = prepareTools();
  for (const { architecture, name, version } of basePackages) print(`${architecture}  ${name} ${version}`);

  printStep("artefacts, twice");
  const [revision = "", created = ""] = runReleaseTool("git", ["log", "-1", "--format=%H %cI"]).trim().split(" ");
  const locks = ["package-lock.json"].map((name) => ({ name, sha256: sha256Of(join(ROOT, name)) }));
  const inputs = { version, revision, locks, basePackages: basePackages.map(({ purl }) => purl) };
  const options = { version, revision, created, base, basePackages, inputs };
  const [directory, again] = [join(ROOT, "dist/release"), join(ROOT, "dist/release-again")];
  const artefacts = await makeArtefacts(directory, options);
  sameBytes(directory, again, await makeArtefacts(again, options));
  rmSync(again, { recursive: true });
  for (const file of artefacts.files) {
    print(`${String(Math.ceil(statSync(join(directory, file)).size / 1_000)).padStart(8)} kB  ${file}`);
  }
  print(readFileSync(join(directory, "SHA256SUMS"), "utf8").trim());
  for (const [name, digest] of Object.entries(artefacts.images))
    print(`${digest}  ${name}, index of both architectures`);
  print("both builds have the same bytes");

  const scratch = mkdtempSync(join(tmpdir(), "podrole-release-"));
  try {
    printStep("signatures and attestations, with a key that is removed afterwards");
    const archives = {
      "podrole-server": unpack("podrole-server", directory, scratch),
      "podrole-sidecar": unpack("podrole-sidecar", directory, scratch),
      "podrole-try": unpack("podrole-try", directory, scratch),
    };
    const { files } = artefacts;
    const provenance = provenancePredicate(inputs);
    await rehearseSigning({ version, directory, scratch, files, archives, provenance, cosign, helm, print });

    printStep("the programs for arm64, by emulation");
    const [server, sidecar] = [join(scratch, "arm64/server"), join(scratch, "arm64/sidecar")];
    extractFiles(archives["podrole-server"], "arm64", server);
    extractFiles(archives["podrole-sidecar"], "arm64", sidecar);
    const executable = join(scratch, "arm64/podrole");
    const compressed = join(directory, names.executable("arm64"));
    runReleaseTool("sh", ["-c", `gzip -dc "${compressed}" >"${executable}" && chmod +x "${executable}"`]);
    await runArm64({ server, sidecar, executable, scratch: join(scratch, "arm64") }, print);

    printStep("verification of the contents, in a folder with the files of the release's page");
    const downloads = join(scratch, "downloads");
    for (const file of files.flatMap((name) => [name, signatureNameOf(name)])) {
      cpSync(join(directory, file), join(downloads, file));
    }
    await runVerifications(artefactVerifications({ version, helm, scratch }), { cwd: downloads, print });
  } finally {
    rmSync(scratch, { recursive: true });
  }

  if (install) {
    printStep("installation into a cluster of this machine, from the artefacts");
    await runAttached(process.execPath, ["test/cluster/node/main.ts", "--artefacts", directory]);
  }

  printStep("what to upload where");
  for (const file of artefacts.files) {
    print(`${file}, ${signatureNameOf(file)}  →  ${["the release's page", UPLOADS[file] ?? []].flat().join("; ")}`);
  }
  print("\nNothing was published: docs/release.md has the steps that need an account.");
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
