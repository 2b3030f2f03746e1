// Bill of materials of a bundle in CycloneDX: OWASP's generator reads what esbuild bundled. It has to agree with the
// notices that are distributed. That of an image also lists the packages of the image's base.
// (https://cyclonedx.org/docs/1.6/json/)
import { readFile, rm, writeFile } from "node:fs/promises";
import type { Metafile } from "esbuild";
import type { Bundle } from "../bundle.ts";
import { ROOT } from "../root.ts";
import { bundledPackages, licenseProblems } from "../third-party.ts";
import { type BasePackage, baseComponents } from "./base-packages.ts";
import { runReleaseTool } from "./tools.ts";

interface Component {
  readonly name: string;
  readonly group?: string;
  readonly version: string;
  readonly scope?: string;
  readonly licenses?: readonly { readonly license?: { readonly id?: string }; readonly expression?: string }[];
}

/** What this module reads of a bill of materials. */
interface Sbom {
  readonly components: readonly Component[];
  readonly dependencies?: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[];
}

/**
 * Writes the bill of materials; `basePackages`: those of an image. Throws if a licence is not allowed, or if it lists
 * other bundled packages than the notices.
 */
export async function writeSbom(
  bundle: Bundle,
  file: string,
  basePackages: readonly BasePackage[] = [],
): Promise<void> {
  const metafile = `${file}.metafile`;
  await writeFile(metafile, JSON.stringify(withoutReplacedModules(bundle.metafile)));
  const flags = ["--spec-version", "1.6", "--output-reproducible", "--validate", "--output-file", file];
  runReleaseTool(process.execPath, [`${ROOT}/node_modules/.bin/cyclonedx-esbuild`, ...flags, metafile]);
  await rm(metafile);
  const sbom = JSON.parse(await readFile(file, "utf8")) as Sbom;
  const problems = sbomProblems(sbom.components, bundle);
  if (problems.length > 0) throw new Error(`Cannot release ${file}: ${problems.join("; ")}`);
  await writeFile(file, `${JSON.stringify(withBasePackages(sbom, basePackages), undefined, 2)}\n`);
}

/** Returns the bill of materials with the packages of an image's base, whose dependencies are not listed. */
export function withBasePackages(sbom: Sbom, basePackages: readonly BasePackage[]): object {
  const added = basePackages.map(({ purl }) => ({ ref: purl }));
  return {
    ...sbom,
    components: [...sbom.components, ...baseComponents(basePackages)],
    dependencies: [...(sbom.dependencies ?? []), ...added],
  };
}

/** The build's own modules, which replace others, are no files; the generator would list each as a component. */
function withoutReplacedModules({ inputs, outputs }: Metafile): Metafile {
  const files = <Value>(given: Readonly<Record<string, Value>>) =>
    Object.fromEntries(Object.entries(given).filter(([path]) => !path.includes(":")));
  const filtered = Object.entries(outputs).map(
    ([path, output]) => [path, { ...output, inputs: files(output.inputs) }] as const,
  );
  return { inputs: files(inputs), outputs: Object.fromEntries(filtered) };
}

/** Returns in what the components differ from the packages of the notices, and which licences are not allowed. */
export function sbomProblems(components: readonly Component[], bundle: Bundle): readonly string[] {
  const shipped = components.filter(({ scope }) => scope !== "excluded");
  const listed = shipped.map(
    ({ group, name, version }) => `${group === undefined ? "" : `${group}/`}${name}@${version}`,
  );
  const packages = bundledPackages(bundle);
  const noticed = new Set(packages.map(({ name, version }) => `${name}@${version}`));
  const licensed = shipped.map(({ name, version, licenses }) => ({
    name,
    version,
    license: licenses?.map(({ license, expression }) => license?.id ?? expression ?? "none").join(" AND ") ?? "none",
    texts: [],
  }));
  return [
    ...licenseProblems(licensed),
    ...listed.filter((name) => !noticed.has(name)).map((name) => `${name} is not in the notices`),
    ...[...noticed].filter((name) => !listed.includes(name)).map((name) => `${name} is only in the notices`),
  ];
}
