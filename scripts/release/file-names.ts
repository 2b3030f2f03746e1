// Names of the files of a release. One folder holds all of them, as the release's page does, which has one file of a
// name: the packages of npm and Helm would otherwise have the same name.
import { ARCHITECTURES, type Architecture, IMAGE_NAMES, type ImageName } from "./images.ts";

/** What the bills of materials are about: each image, and the npm package. */
export type SbomSubject = ImageName | "podrole-package";

/** Names of the files, by what they contain. */
export interface ReleaseFileNames {
  readonly npm: string;
  /** Helm takes the chart's name from Chart.yaml, not from the file's name. */
  readonly chart: string;
  readonly krew: string;
  /** What the artefacts were made of. */
  readonly provenance: string;
  readonly checksums: string;
  readonly executable: (architecture: Architecture) => string;
  readonly image: (name: ImageName) => string;
  readonly sbom: (subject: SbomSubject) => string;
}

/** Returns the names for a version. */
export function releaseFileNames(version: string): ReleaseFileNames {
  return {
    npm: `podrole-${version}.tgz`,
    chart: `podrole-chart-${version}.tgz`,
    krew: "podrole.yaml",
    provenance: `podrole-${version}.intoto.json`,
    checksums: "SHA256SUMS",
    executable: (architecture) => `podrole-${version}-linux-${architecture}.gz`,
    image: (name) => `${name}-${version}.tar`,
    sbom: (subject) => `${subject}-${version}.cdx.json`,
  };
}

/** Returns every name, those of the signatures not included. */
export function allReleaseFileNames(version: string): readonly string[] {
  const { npm, chart, krew, provenance, checksums, executable, image, sbom } = releaseFileNames(version);
  return [
    ...[npm, chart, krew, provenance, checksums],
    ...ARCHITECTURES.map(executable),
    ...IMAGE_NAMES.map(image),
    ...[...IMAGE_NAMES, "podrole-package" as const].map(sbom),
  ];
}

/** Returns the name of the Sigstore bundle that signs a file. */
export function signatureNameOf(file: string): string {
  return `${file}.sigstore.json`;
}
