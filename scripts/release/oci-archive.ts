// Reads an OCI archive: its image index, the manifests below it, and an image's files.
// (https://github.com/opencontainers/image-spec/blob/v1.1.1/image-layout.md)
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { runReleaseTool } from "./tools.ts";

/** What a manifest or an index names: a blob, a manifest, or an index. */
export interface OciDescriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly platform?: { readonly architecture: string };
}

/** A manifest or an index; each has its own fields. */
export interface OciManifest {
  readonly manifests?: readonly OciDescriptor[];
  readonly layers?: readonly OciDescriptor[];
  readonly config?: OciDescriptor;
}

/** An unpacked archive. */
export interface OciArchive {
  /** The image's index. */
  readonly index: OciDescriptor;
  /** Returns the file with the bytes of a digest. */
  fileOf(digest: string): string;
  manifestOf(digest: string): OciManifest;
}

/** Unpacks an archive into a folder. Throws if it contains no image. */
export function unpackArchive(archive: string, folder: string): OciArchive {
  mkdirSync(folder, { recursive: true });
  runReleaseTool("tar", ["-xf", archive, "-C", folder]);
  const fileOf = (digest: string) => join(folder, "blobs", digest.replace(":", "/"));
  const read = (file: string) => JSON.parse(readFileSync(file, "utf8")) as OciManifest;
  const [index] = read(join(folder, "index.json")).manifests ?? [];
  if (index === undefined) throw new Error(`Cannot read ${archive}: its index.json names no image; expected one`);
  return { index, fileOf, manifestOf: (digest) => read(fileOf(digest)) };
}

/** Writes the files of an image for one architecture into a folder. Throws if the archive has no such image. */
export function extractFiles(archive: OciArchive, architecture: string, folder: string): void {
  const { manifests = [] } = archive.manifestOf(archive.index.digest);
  const manifest = manifests.find(({ platform }) => platform?.architecture === architecture);
  if (manifest === undefined) throw new Error(`Cannot extract the image: it is not built for ${architecture}`);
  mkdirSync(folder, { recursive: true });
  for (const { digest } of archive.manifestOf(manifest.digest).layers ?? []) {
    runReleaseTool("tar", ["-xzf", archive.fileOf(digest), "-C", folder]);
  }
}
