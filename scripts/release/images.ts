// OCI archives of the images, each for every architecture: an image index with one manifest per architecture, and
// nothing that depends on the time or the place of the build.
// (https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md)
import { createHash } from "node:crypto";
import { cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../root.ts";
import { packReproducibly, runReleaseTool } from "./tools.ts";

/** The names of the images, and the Dockerfile of each. */
export const IMAGES = {
  "podrole-server": "Dockerfile.server",
  "podrole-sidecar": "Dockerfile.sidecar",
  "podrole-try": "Dockerfile.try",
} as const;
export type ImageName = keyof typeof IMAGES;
export const IMAGE_NAMES = Object.keys(IMAGES) as readonly ImageName[];

/** Architectures as OCI images name them. */
export const ARCHITECTURES = ["amd64", "arm64"] as const;
export type Architecture = (typeof ARCHITECTURES)[number];

/** The architecture of this machine. */
export const OWN_ARCHITECTURE: Architecture = process.arch === "x64" ? "amd64" : "arm64";

/** What an image is made of. */
export interface ImageOptions {
  readonly version: string;
  /** Commit and its date (RFC 3339), for the labels. */
  readonly revision: string;
  readonly created: string;
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: { readonly architecture: Architecture; readonly os: "linux" };
}

const OCI_INDEX_TYPE = "application/vnd.oci.image.index.v1+json";
const BASE = "localhost/podrole-base:26";

/** Loads the base of each architecture into podman. `folder`: what base/build.sh prints. */
export function loadBases(folder: string): void {
  for (const architecture of ARCHITECTURES) {
    runReleaseTool("podman", ["load", "--quiet", "--input", join(folder, `base-${architecture}.tar`)]);
  }
}

/** Writes an image's layout and its archive; returns the digest of its index. `staging` contains dist/. */
export function packImage(archive: string, staging: string, name: ImageName, options: ImageOptions): string {
  const layout = join(staging, name);
  mkdirSync(join(layout, "blobs/sha256"), { recursive: true });
  const manifests = ARCHITECTURES.map((architecture) => {
    const own = join(staging, `${name}-${architecture}`);
    buildLayout(own, staging, name, architecture, options);
    const [manifest] = readIndex(own);
    if (manifest === undefined) throw new Error(`Cannot pack ${name}: podman wrote no manifest for ${architecture}`);
    cpSync(join(own, "blobs"), join(layout, "blobs"), { recursive: true });
    rmSync(own, { recursive: true });
    const { mediaType, digest, size } = manifest;
    return { mediaType, digest, size, platform: { architecture, os: "linux" } } satisfies Descriptor;
  });
  const index = JSON.stringify({ schemaVersion: 2, mediaType: OCI_INDEX_TYPE, manifests });
  const digest = createHash("sha256").update(index).digest("hex");
  writeFileSync(join(layout, "blobs/sha256", digest), index);
  const annotations = {
    "org.opencontainers.image.ref.name": options.version,
    // The name that containerd gives to the image, also in `kind load image-archive`.
    "io.containerd.image.name": `localhost/${name}:${options.version}`,
  };
  const described = {
    mediaType: OCI_INDEX_TYPE,
    digest: `sha256:${digest}`,
    size: Buffer.byteLength(index),
    annotations,
  };
  writeFileSync(join(layout, "index.json"), JSON.stringify({ schemaVersion: 2, manifests: [described] }));
  writeFileSync(join(layout, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  packReproducibly(archive, layout, []);
  return described.digest;
}

/** Builds the image of one architecture. The Dockerfiles run no command, so the build needs no emulation. */
function buildLayout(
  layout: string,
  staging: string,
  name: ImageName,
  architecture: Architecture,
  { version, revision, created }: ImageOptions,
): void {
  const tag = `localhost/${name}:release-${version}-${architecture}`;
  const values = { BASE: `${BASE}-${architecture}`, VERSION: version, REVISION: revision, CREATED: created };
  const args = Object.entries(values).flatMap(([key, value]) => ["--build-arg", `${key}=${value}`]);
  const dockerfile = join(ROOT, IMAGES[name]);
  const flags = ["--no-cache", "--format", "oci", "--timestamp", "0", "--platform", `linux/${architecture}`];
  runReleaseTool("podman", ["build", "--quiet", ...flags, "--file", dockerfile, ...args, "--tag", tag, staging]);
  runReleaseTool("podman", ["save", "--quiet", "--format", "oci-dir", "--output", layout, tag]);
  runReleaseTool("podman", ["rmi", "--force", tag]);
}

function readIndex(layout: string): readonly Descriptor[] {
  const { manifests } = JSON.parse(readFileSync(join(layout, "index.json"), "utf8")) as {
    readonly manifests: readonly Descriptor[];
  };
  return manifests;
}
