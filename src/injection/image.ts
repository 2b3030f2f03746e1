// Image references, such as "registry:5000/team/podrole-sidecar:1.0@sha256:…"
// (https://kubernetes.io/docs/concepts/containers/images/#image-names).

/** The parts of an image reference. */
export interface ImageReference {
  /** Registry and path, as written. */
  readonly repository: string;
  /** The last part of the repository. */
  readonly name: string;
  readonly tag: string | undefined;
}

/** Splits an image reference; accepts any text, in time that grows with its length alone. */
export function parseImage(image: string): ImageReference {
  const [reference = ""] = image.split("@", 1);
  const start = reference.lastIndexOf("/") + 1;
  const [name = "", tag = ""] = reference.slice(start).split(":", 2);
  return { repository: reference.slice(0, start) + name, name, tag: tag === "" ? undefined : tag };
}
