// The packages in the base of the images, as base/build.sh lists them, and as components of a bill of materials.
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A package in the base of one architecture. */
export interface BasePackage {
  readonly architecture: string;
  readonly name: string;
  readonly version: string;
  /** Package URL. (https://github.com/package-url/purl-spec) */
  readonly purl: string;
}

/** Reads packages.tsv in the folder that base/build.sh prints. */
export function readBasePackages(folder: string): readonly BasePackage[] {
  return parseBasePackages(readFileSync(join(folder, "packages.tsv"), "utf8"));
}

/** Parses the lines `architecture, ecosystem, name, version`, separated by tabs. */
export function parseBasePackages(lines: string): readonly BasePackage[] {
  return lines
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const [architecture = "", ecosystem = "", name = "", version = ""] = line.split("\t");
      const at = `@${encodeURIComponent(version)}`;
      const purl =
        ecosystem === "deb"
          ? `pkg:deb/debian/${encodeURIComponent(name)}${at}?arch=${architecture}`
          : `pkg:npm/${name}${at}`;
      return { architecture, name, version, purl };
    });
}

/**
 * Returns the packages as components. Their licences are in the image, in /usr/share/doc. Scanners find vulnerabilities
 * of Node by its CPE, those of Debian's packages by the package URL. (https://cyclonedx.org/docs/1.6/json/#components)
 */
export function baseComponents(packages: readonly BasePackage[]): readonly object[] {
  return packages.map(({ name, version, purl }) => {
    const cpe = name.startsWith("node-") && { cpe: `cpe:2.3:a:nodejs:node.js:${version}:*:*:*:*:*:*:*` };
    return { type: "library", name, version, "bom-ref": purl, purl, ...cpe };
  });
}
