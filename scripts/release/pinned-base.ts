// Whether an image that is pinned by digest is still what its tag names in the registry: a newer one has fixes that the
// pinned one lacks.
// (https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#pulling-manifests)

/** An image by its registry, name, tag and digest. */
export interface PinnedImage {
  readonly host: string;
  readonly name: string;
  readonly tag: string;
  readonly digest: string;
}

/** What the registry answers about a pinned image. */
export type PinState =
  | { readonly state: "current" }
  | { readonly state: "old"; readonly digest: string }
  | { readonly state: "unknown"; readonly problem: string };

/** How to reach a registry; HTTP only for tests. */
export interface RegistryAccess {
  readonly scheme?: "https" | "http";
  readonly timeoutMs: number;
}

const REFERENCE = /^(?:([\w-]+[.:][\w.:-]+)\/)?([\w./-]+):([\w.-]+)@(sha256:[0-9a-f]{64})$/;
const INDEXES = [
  ...["application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"],
  ...["application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"],
].join(", ");

/** Returns the base that a Dockerfile pins; undefined if it pins none. */
export function pinnedBaseOf(dockerfile: string): PinnedImage | undefined {
  return pinnedImageOf(/^ARG BASE=(.+)$/m.exec(dockerfile)?.[1] ?? "");
}

/**
 * Returns the image of a reference; undefined if it has no tag or no digest. A reference without a registry is one of
 * Docker Hub, whose official images are below "library".
 * (https://github.com/distribution/reference/blob/v0.6.0/normalize.go)
 */
export function pinnedImageOf(reference: string): PinnedImage | undefined {
  const [, host, name, tag, digest] = REFERENCE.exec(reference) ?? [];
  if (name === undefined || tag === undefined || digest === undefined) return undefined;
  if (host !== undefined) return { host, name, tag, digest };
  return { host: "registry-1.docker.io", name: name.includes("/") ? name : `library/${name}`, tag, digest };
}

/** Compares the pinned digest with that of the tag. A registry that does not answer is a state, never an exception. */
export async function pinStateOf(image: PinnedImage, access: RegistryAccess): Promise<PinState> {
  try {
    const digest = await digestOfTag(image, access);
    return digest === image.digest ? { state: "current" } : { state: "old", digest };
  } catch (error) {
    return { state: "unknown", problem: error instanceof Error ? error.message : String(error) };
  }
}

async function digestOfTag({ host, name, tag }: PinnedImage, access: RegistryAccess): Promise<string> {
  const { scheme = "https", timeoutMs } = access;
  const url = `${scheme}://${host}/v2/${name}/manifests/${tag}`;
  const request = (authorization: Readonly<Record<string, string>>) =>
    fetch(url, {
      method: "HEAD",
      headers: { accept: INDEXES, ...authorization },
      signal: AbortSignal.timeout(timeoutMs),
    });
  let response = await request({});
  if (response.status === 401) {
    const token = await anonymousToken(response.headers.get("www-authenticate") ?? "", timeoutMs);
    response = await request({ authorization: `Bearer ${token}` });
  }
  const digest = response.headers.get("docker-content-digest");
  if (!response.ok || digest === null) {
    throw new Error(`Cannot read ${url}: the registry answered ${response.status}; expected 200 and a digest`);
  }
  return digest;
}

/**
 * Public registries give everybody a token for pulling. (https://distribution.github.io/distribution/spec/auth/token/)
 */
async function anonymousToken(challenge: string, timeoutMs: number): Promise<string> {
  const parameter = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(challenge)?.[1];
  const realm = parameter("realm");
  if (realm === undefined) throw new Error(`Cannot get a token: the registry sent "${challenge}"; expected a realm`);
  const url = new URL(realm);
  for (const name of ["service", "scope"]) url.searchParams.set(name, parameter(name) ?? "");
  const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) });
  const { token } = (await response.json()) as { readonly token?: string };
  if (token === undefined) throw new Error(`Cannot get a token: ${url.href} answered ${response.status} without one`);
  return token;
}
