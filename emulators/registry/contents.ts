// What a registry stores: blobs and manifests by digest, tags by name, and which manifests refer to which. In memory,
// without a limit. (https://github.com/opencontainers/image-spec/blob/v1.1.1/manifest.md)
import { createHash } from "node:crypto";

/** A manifest as a client put it; its bytes decide about its digest. */
export interface StoredManifest {
  readonly digest: string;
  readonly mediaType: string;
  readonly bytes: Buffer;
  /** Digest of the manifest to which this one is attached, as a signature is to an image. */
  readonly subject: string | undefined;
}

/** The contents of one repository. */
export interface RepositoryContents {
  blob(digest: string): Buffer | undefined;
  /** Returns the blob's digest. */
  addBlob(bytes: Buffer): string;
  /** Returns the manifest of a tag or a digest. */
  manifest(reference: string): StoredManifest | undefined;
  /** Stores a manifest; a reference that is not a digest becomes a tag. Undefined: the bytes are no manifest. */
  addManifest(reference: string, mediaType: string, bytes: Buffer): StoredManifest | undefined;
  /** Returns the index of the manifests that are attached to one. */
  referrers(digest: string): object;
}

interface ManifestBody {
  readonly artifactType?: string;
  readonly config?: { readonly mediaType?: string };
  readonly annotations?: Readonly<Record<string, string>>;
  readonly subject?: { readonly digest?: string };
}

const INDEX = "application/vnd.oci.image.index.v1+json";

/** Creates an empty repository. */
export function createRepositoryContents(): RepositoryContents {
  const blobs = new Map<string, Buffer>();
  const manifests = new Map<string, StoredManifest>();
  const tags = new Map<string, string>();
  return {
    blob: (digest) => blobs.get(digest),
    addBlob(bytes) {
      const digest = digestOf(bytes);
      blobs.set(digest, bytes);
      return digest;
    },
    manifest: (reference) => manifests.get(tags.get(reference) ?? reference),
    addManifest(reference, mediaType, bytes) {
      const body = parseManifest(bytes);
      if (body === undefined) return undefined;
      const stored = { digest: digestOf(bytes), mediaType, bytes, subject: body.subject?.digest };
      manifests.set(stored.digest, stored);
      if (!reference.startsWith("sha256:")) tags.set(reference, stored.digest);
      return stored;
    },
    referrers(digest) {
      const attached = [...manifests.values()].filter(({ subject }) => subject === digest);
      return { schemaVersion: 2, mediaType: INDEX, manifests: attached.map(descriptorOf) };
    },
  };
}

/** Returns the SHA-256 digest of bytes as OCI writes it. */
export function digestOf(bytes: Buffer): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

function descriptorOf({ digest, mediaType, bytes }: StoredManifest): object {
  const { artifactType, config, annotations } = parseManifest(bytes) ?? {};
  return { mediaType, digest, size: bytes.length, artifactType: artifactType ?? config?.mediaType, annotations };
}

function parseManifest(bytes: Buffer): ManifestBody | undefined {
  try {
    const body: unknown = JSON.parse(bytes.toString());
    return typeof body === "object" && body !== null ? body : undefined;
  } catch {
    return undefined;
  }
}
