// The packages in the base of the images, as base/build.sh lists them.
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
