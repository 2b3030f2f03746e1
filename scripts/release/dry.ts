// npm run release:dry: makes everything that a release consists of, twice, compares both, verifies the artefacts with the
// commands that users run, and lists what to upload where. It publishes nothing and, once the caches are filled, needs no
// network. Writes dist/release. docs/release.md describes it.
import { mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import packageJson from "../../package.json" with { type: "json" };
import { ROOT } from "../root.ts";
import { makeArtefacts } from "./artefacts.ts";
import { runReleaseTool } from "./tools.ts";
import { versionProblems } from "./versions.ts";

const { version } = packageJson;
const BASE_IMAGE = "localhost/node:26";

/** Commands that a user runs in the folder of the artefacts; docs/verify.md explains them. `SCRATCH` is an empty folder. */
function verificationCommands(helm: string, scratch: string): readonly (readonly string[])[] {
  const podrole = join(scratch, "node_modules/.bin/podrole");
  return [
    ["sha256sum", "--check", "--quiet", "SHA256SUMS"],
    ["npm", "install", "--offline", "--silent", "--prefix", scratch, `./npm/podrole-${version}.tgz`],
    [podrole, "version"],
    [helm, "show", "chart", `chart/podrole-${version}.tgz`],
    [helm, "lint", "--quiet", `chart/podrole-${version}.tgz`],
    ["tar", "-xOf", `images/podrole-server-${version}-${imageArchitecture()}.tar`, "./index.json"],
    ["tar", "-xOf", `images/podrole-sidecar-${version}-${imageArchitecture()}.tar`, "./index.json"],
  ];
}

const imageArchitecture = () => (process.arch === "x64" ? "amd64" : process.arch);

/** Where to upload the artefacts, by their folder. */
const UPLOADS: Readonly<Record<string, string>> = {
  npm: "npm registry: npm publish --provenance",
  chart: "OCI registry of charts: helm push",
  images: "OCI registry of images: skopeo copy oci-archive:FILE docker://REGISTRY/NAME:VERSION",
  sbom: "the release's page, and attached to the images: cosign attest",
  krew: "a pull request to the index of krew plugins",
  SHA256SUMS: "the release's page",
};

function printStep(title: string): void {
  console.log(`\n== ${title}`);
}

/** Loads the base that the test suites use, made from packages only; returns the folder of Helm. */
function prepareTools(): string {
  const bases = runReleaseTool("bash", ["test/cluster/kubernetes/images/build.sh"]).trim();
  runReleaseTool("podman", ["load", "--quiet", "--input", join(bases, "node.tar")]);
  return runReleaseTool("bash", ["test/cluster/helm/build.sh"]).trim();
}

function sameBytes(one: string, other: string, files: readonly string[]): void {
  const different = files.filter((file) => !readFileSync(join(one, file)).equals(readFileSync(join(other, file))));
  if (different.length > 0) {
    throw new Error(`Cannot release ${version}: two builds of ${different.join(", ")} differ; expected the same bytes`);
  }
}

async function main(): Promise<void> {
  printStep(`podrole ${version}: versions and CHANGELOG`);
  const problems = versionProblems((file) => readFileSync(join(ROOT, file), "utf8"), version);
  if (problems.length > 0) throw new Error(`Cannot release ${version}: ${problems.join("; ")}`);
  console.log("all files name this version, and CHANGELOG.md has its section");

  printStep("artefacts, twice");
  const helm = join(prepareTools(), "helm");
  const [revision, created] = runReleaseTool("git", ["log", "-1", "--format=%H %cI"]).trim().split(" ");
  const options = { version, revision: revision ?? "", created: created ?? "", base: BASE_IMAGE };
  const [directory, again] = [join(ROOT, "dist/release"), join(ROOT, "dist/release-again")];
  const files = await makeArtefacts(directory, options);
  sameBytes(directory, again, await makeArtefacts(again, options));
  rmSync(again, { recursive: true });
  for (const file of files) {
    console.log(`${String(Math.ceil(statSync(join(directory, file)).size / 1_000)).padStart(8)} kB  ${file}`);
  }
  console.log(readFileSync(join(directory, "SHA256SUMS"), "utf8").trim());
  console.log("both builds have the same bytes");

  printStep(`verification, in ${directory}`);
  const scratch = mkdtempSync(join(tmpdir(), "podrole-release-"));
  for (const [command = "", ...args] of verificationCommands(helm, scratch)) {
    console.log(`$ ${[command, ...args].join(" ")}`);
    const output = runReleaseTool(command, args, directory).trim();
    if (output !== "") console.log(output);
  }
  rmSync(scratch, { recursive: true });

  printStep("what to upload where");
  for (const file of files) console.log(`${file}  →  ${UPLOADS[file.split("/")[0] ?? ""]}`);
  console.log("\nNothing was published or signed: docs/release.md has the steps that need an account.");
}

try {
  await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
