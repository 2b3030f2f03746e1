// The volumes of one pod as directories of this host, readable only by this user: emptyDir, and projected volumes with
// ServiceAccount tokens, pod certificates, trust bundles and fields of the pod. A token is renewed after 80 % of its
// lifetime, a certificate when its signer asks for it, a bundle is looked at each second; each is replaced in one step.
// States: created → started (directories and first files exist) → stopped. The pod stops it; nothing remains.
// (https://kubernetes.io/docs/concepts/storage/projected-volumes/#serviceaccounttoken)
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Volume } from "../../src/kubernetes/objects.ts";
import { backoff, type Clock, sleep } from "../../src/runtime/clock.ts";
import { writeAtomically } from "../../src/runtime/files.ts";
import type { Log } from "../../src/runtime/log.ts";
import type { Secret } from "../../src/runtime/secret.ts";
import { type ConfigProblem, fieldOf, isProblem, type PlacedPod } from "./environment.ts";
import type { CertificateProjections, PodCertificateSource } from "./pod-certificates.ts";

/** A kubelet's request to the TokenRequest API. */
export interface TokenRequest {
  readonly namespace: string;
  readonly serviceAccount: string;
  /** Absent: the API server's own audience. */
  readonly audience: string | undefined;
  readonly expirationSeconds: number;
  /** The token is bound to this pod. */
  readonly pod: { readonly name: string; readonly uid: string };
}

/**
 * Sends a TokenRequest; rejects if the API server is unavailable or `signal` aborts. `expiresAt` is Unix milliseconds.
 */
export type RequestToken = (
  request: TokenRequest,
  signal: AbortSignal,
) => Promise<{ readonly token: Secret; readonly expiresAt: number }>;

/** What a pod's volumes are made from. */
export interface VolumeDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly requestToken: RequestToken;
  /** Absent: the node supports no pod certificates, as before Kubernetes 1.37. */
  readonly certificates?: CertificateProjections | undefined;
}

/** The directories of a pod's volumes. */
export interface PodVolumes {
  /** Returns the host directory of the volume, or undefined if the pod has no such volume. */
  pathOf(name: string): string | undefined;
  /**
   * Creates everything. While a token is unavailable it waits and reports the reason to `onDelay`. A problem is a
   * volume that this node does not support.
   */
  start(onDelay: (message: string) => void): Promise<ConfigProblem | undefined>;
  stop(): void;
}

/** Share of its lifetime after which the kubelet replaces a token. */
const REFRESH_AT_FRACTION = 0.8;
const DEFAULT_TOKEN_LIFETIME_SECONDS = 3600;
const TOKEN_RETRY = { baseMs: 500, capMs: 30_000 };
const OWNER_ONLY = 0o700;
const OWNER_READS = 0o600;

/** A file that is replaced from time to time. */
interface ProjectedFile {
  readonly path: string;
  /** For messages. */
  readonly what: string;
  /** Returns the content, and when to replace it (Unix milliseconds). */
  readonly fetch: () => Promise<{ readonly content: string; readonly refreshAt: number }>;
}

/** The kubelet follows changes of bundles by a watch. */
const BUNDLE_REFRESH_MS = 1_000;

interface ProjectedSource {
  readonly serviceAccountToken?: {
    readonly path: string;
    readonly audience?: string;
    readonly expirationSeconds?: number;
  };
  readonly podCertificate?: PodCertificateSource;
  readonly clusterTrustBundle?: { readonly signerName: string; readonly path: string };
  readonly downwardAPI?: {
    readonly items?: readonly { readonly path: string; readonly fieldRef?: { readonly fieldPath: string } }[];
  };
}

/** Creates the volumes of a pod without writing anything yet. */
export function createPodVolumes(
  { clock, log, requestToken, certificates }: VolumeDeps,
  { placed, directory }: { readonly placed: PlacedPod; readonly directory: string },
): PodVolumes {
  const { metadata, spec } = placed.pod;
  const paths = new Map((spec.volumes ?? []).map(({ name }) => [name, join(directory, name)]));
  const stopped = new AbortController();

  async function prepare(volume: Volume): Promise<readonly ProjectedFile[] | ConfigProblem> {
    const path = join(directory, volume.name);
    await mkdir(path, { recursive: true, mode: OWNER_ONLY });
    if ("emptyDir" in volume) return [];
    const { sources } = (volume["projected"] ?? {}) as { sources?: readonly ProjectedSource[] };
    if (sources === undefined) return { problem: `volume "${volume.name}" is neither emptyDir nor projected` };
    const files: ProjectedFile[] = [];
    for (const source of sources) {
      const file = projectedFile(path, source);
      if (file) {
        files.push(file);
      } else if (source.downwardAPI) {
        const problem = await writeFields(path, source.downwardAPI.items ?? []);
        if (problem) return problem;
      } else if (!Object.values(source).some((kind) => (kind as { optional?: boolean }).optional === true)) {
        return {
          problem: `volume "${volume.name}" has a source that this node does not have: ${Object.keys(source)[0]}`,
        };
      }
    }
    return files;
  }

  function projectedFile(
    directory: string,
    { serviceAccountToken, podCertificate, clusterTrustBundle }: ProjectedSource,
  ): ProjectedFile | undefined {
    if (serviceAccountToken) {
      const { path, audience, expirationSeconds = DEFAULT_TOKEN_LIFETIME_SECONDS } = serviceAccountToken;
      const what = `token for audience ${audience ?? "(default)"}`;
      return { path: join(directory, path), what, fetch: () => fetchToken(audience, expirationSeconds) };
    }
    if (podCertificate && certificates) {
      const what = `certificate of signer ${podCertificate.signerName}`;
      const fetch = async () => {
        const { content, refreshAt } = await certificates.issue(placed, podCertificate, stopped.signal);
        return { content: content.reveal(), refreshAt };
      };
      return { path: join(directory, podCertificate.credentialBundlePath), what, fetch };
    }
    if (clusterTrustBundle && certificates) {
      const { signerName, path } = clusterTrustBundle;
      const what = `ClusterTrustBundles of signer ${signerName}`;
      const fetch = async () => {
        const content = certificates.bundle(signerName);
        if (content === undefined) throw new Error("it does not exist");
        return { content, refreshAt: clock.now() + BUNDLE_REFRESH_MS };
      };
      return { path: join(directory, path), what, fetch };
    }
    return undefined;
  }

  async function writeFields(
    path: string,
    items: NonNullable<NonNullable<ProjectedSource["downwardAPI"]>["items"]>,
  ): Promise<ConfigProblem | undefined> {
    for (const item of items) {
      const value = fieldOf(item.fieldRef?.fieldPath ?? "", placed);
      if (typeof value === "object") return value;
      await writeFileOf(join(path, item.path), value);
    }
    return undefined;
  }

  async function fetchToken(audience: string | undefined, expirationSeconds: number) {
    const pod = { name: metadata.name ?? "", uid: metadata.uid ?? "" };
    const serviceAccount = spec.serviceAccountName ?? "default";
    const namespace = metadata.namespace ?? "";
    const askedAt = clock.now();
    const request = { namespace, serviceAccount, audience, expirationSeconds, pod };
    const { token, expiresAt } = await requestToken(request, stopped.signal);
    return { content: token.reveal(), refreshAt: askedAt + (expiresAt - askedAt) * REFRESH_AT_FRACTION };
  }

  /** Returns when to replace the file, in Unix milliseconds. */
  async function writeUntilDone(file: ProjectedFile, onDelay: (message: string) => void): Promise<number> {
    for (let attempt = 0; !stopped.signal.aborted; attempt++) {
      try {
        const { content, refreshAt } = await file.fetch();
        await writeFileOf(file.path, content);
        return refreshAt;
      } catch (error) {
        if (stopped.signal.aborted) break;
        log.warn({ err: error, what: file.what }, "a projection failed");
        onDelay(`${file.what}: ${(error as Error).message}`);
        await sleep(clock, backoff(attempt, TOKEN_RETRY.baseMs, TOKEN_RETRY.capMs), stopped.signal);
      }
    }
    return Infinity;
  }

  async function keepFresh(file: ProjectedFile, firstRefreshAt: number): Promise<void> {
    for (let refreshAt = firstRefreshAt; !stopped.signal.aborted; ) {
      await sleep(clock, refreshAt - clock.now(), stopped.signal);
      if (!stopped.signal.aborted) refreshAt = await writeUntilDone(file, () => {});
    }
  }

  return {
    pathOf: (name) => paths.get(name),
    async start(onDelay) {
      for (const volume of spec.volumes ?? []) {
        const files = await prepare(volume);
        if (isProblem(files)) return files;
        for (const file of files) {
          const refreshAt = await writeUntilDone(file, onDelay);
          void keepFresh(file, refreshAt);
        }
      }
      return undefined;
    },
    stop: () => stopped.abort(),
  };
}

async function writeFileOf(path: string, content: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: OWNER_ONLY });
  await writeAtomically(path, content, OWNER_READS);
}
