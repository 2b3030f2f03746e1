// The packages whose code is in the bundles, with their licences: the notices that each image and the npm package
// contain, and the table of docs/third-party.md. Read from what esbuild bundled, so a dependency that is installed but
// not shipped is not listed. (https://www.apache.org/licenses/LICENSE-2.0#redistribution)
import { readdirSync, readFileSync } from "node:fs";
import { copyFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Bundle, bundledFiles } from "./bundle.ts";
import { ROOT } from "./root.ts";

/** Name of the file with the notices, beside LICENSE. */
export const NOTICES_FILE = "ThirdPartyNotices.txt";

/** A package of which a bundle contains code. */
export interface BundledPackage {
  readonly name: string;
  readonly version: string;
  /** SPDX expression of its package.json. */
  readonly license: string;
  /** Its files of licence, notice and copyright, in the order of their names. */
  readonly texts: readonly string[];
}

/**
 * SPDX expressions that a bundled package may have: licences that allow distribution under Apache-2.0 if their text is
 * included. Of a choice (OR), podrole uses the first one. (https://www.apache.org/legal/resolved.html#category-a)
 */
const ALLOWED_LICENSES: ReadonlySet<string> = new Set([
  ...["0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "Unlicense"],
  // Of typefaces, which may be part of a program under any licence.
  // (https://www.apache.org/legal/resolved.html#category-b)
  "OFL-1.1",
  ...["(Apache-2.0 AND BSD-3-Clause)", "(BSD-3-Clause OR GPL-2.0)"],
]);

/** Returns the packages of which a bundle contains code, by name and version. Throws if one has no package.json. */
export function bundledPackages(bundle: Bundle): readonly BundledPackage[] {
  const directories = bundledFiles(bundle).flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file) ?? []);
  return [...new Set(directories)]
    .map((directory) => readPackage(join(ROOT, directory)))
    .sort((a, b) => compareCodeUnits(a.name, b.name) || compareCodeUnits(a.version, b.version));
}

/** Returns what is wrong with the licences of packages; empty if podrole may distribute all of them. */
export function licenseProblems(packages: readonly BundledPackage[]): readonly string[] {
  return packages
    .filter(({ license }) => !ALLOWED_LICENSES.has(license))
    .map(({ name, version, license }) => `${name}@${version} has licence "${license}"; expected one of the allow list`);
}

/** Returns the notices as text; packages with the same licence files are listed together. */
export function noticesOf(packages: readonly BundledPackage[]): string {
  const groups = Map.groupBy(packages, ({ license, texts }) => [license, ...texts].join("\0"));
  const sections = [...groups.values()].map((group) => {
    const [{ license, texts } = { license: "", texts: [] }] = group;
    const names = group.map(({ name, version }) => `${name}@${version}`).join("\n");
    const body = texts.length > 0 ? texts.join("\n\n") : "The package contains no licence file.";
    return `${"=".repeat(80)}\n${names}\nLicence: ${license}\n\n${body}`;
  });
  return `podrole contains code of these packages. Their licences follow.\n\n${sections.join("\n\n")}\n`;
}

/** Writes podrole's licence and notice, and the notices of a bundle, into its directory. */
export async function addLegalFiles(directory: string, bundle: Bundle): Promise<void> {
  for (const file of ["LICENSE", "NOTICE"]) await copyFile(join(ROOT, file), join(directory, file));
  await writeFile(join(directory, NOTICES_FILE), noticesOf(bundledPackages(bundle)));
}

function readPackage(directory: string): BundledPackage {
  const { name, version, license } = JSON.parse(readFileSync(join(directory, "package.json"), "utf8")) as {
    readonly name: string;
    readonly version: string;
    readonly license?: string;
  };
  const texts = readdirSync(directory)
    .filter((file) => /^(licen[cs]e|notice|copying|copyright)/i.test(file))
    .sort()
    .map((file) => readFileSync(join(directory, file), "utf8").replaceAll("\r\n", "\n").trim());
  return { name, version, license: license ?? "none", texts };
}

/** By code units: the order does not depend on the locale of the machine. */
function compareCodeUnits(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
