// Makes the folder from which `npm pack` makes the npm package: the command line's bundle and the library that programs
// import, with a package.json of its own, because that of the checkout names sources and tools that the package does
// not need.
import { copyFile, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import packageJson from "../package.json" with { type: "json" };
import { KUBECTL_COMPLETION } from "../src/cli/completion/scripts.ts";
import { bundlePackage, LIBRARY_ENTRY, PACKAGE_NODE } from "./build-command-line.ts";
import type { Bundle } from "./bundle.ts";
import { writePackageTypes } from "./package-types.ts";
import { ROOT } from "./root.ts";
import { addLegalFiles, NOTICES_FILE } from "./third-party.ts";

const PACKAGE_ENTRY = "lib/podrole.js";
/** Name of the library that programs import, in lib. */
const LIBRARY = "library";

/** Returns the package.json of the npm package. */
function packageManifest(): object {
  const { name, version, description, keywords, license, author, repository, homepage, bugs } = packageJson;
  return {
    name,
    version,
    description,
    keywords,
    license,
    author,
    // npm compares it with the provenance. Until the project has an owner, it names none rather than a placeholder.
    ...(repository.url.includes("/OWNER/") ? {} : { repository, homepage, bugs }),
    type: "module",
    engines: { node: `>=${PACKAGE_NODE}` },
    // kubectl runs kubectl-podrole as `kubectl podrole`.
    // (https://kubernetes.io/docs/tasks/extend-kubectl/kubectl-plugins/)
    bin: { podrole: PACKAGE_ENTRY, "kubectl-podrole": PACKAGE_ENTRY, [KUBECTL_COMPLETION]: PACKAGE_ENTRY },
    exports: {
      ".": { types: `./lib/${LIBRARY}.d.ts`, default: `./lib/${LIBRARY}.js` },
      "./package.json": "./package.json",
    },
    files: ["lib", "NOTICE", NOTICES_FILE],
  };
}

/** Writes the package's folder; removes what was in it. */
export async function buildPackage(directory: string): Promise<Bundle> {
  await rm(directory, { recursive: true, force: true });
  await mkdir(directory, { recursive: true });
  const bundle = await bundlePackage(join(directory, "lib"));
  writePackageTypes(LIBRARY_ENTRY, join(directory, `lib/${LIBRARY}.d.ts`));
  await writeFile(join(directory, "package.json"), `${JSON.stringify(packageManifest(), undefined, 2)}\n`);
  await addLegalFiles(directory, bundle);
  await copyFile(join(ROOT, "scripts/package-readme.md"), join(directory, "README.md"));
  return bundle;
}
