// The volumes of one pod as directories of this host, readable only by this user: emptyDir, and projected volumes with
// ServiceAccount tokens and fields of the pod. A token is renewed after 80 % of its lifetime and replaced in one step.
// States: created → started (directories and first tokens exist) → stopped. The pod stops it; nothing remains.
// (https://kubernetes.io/docs/concepts/storage/projected-volumes/#serviceaccounttoken)
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Volume } from "../../src/kubernetes/objects.ts";
import { backoff, type Clock, sleep } from "../../src/runtime/clock.ts";
import { writeAtomically } from "../../src/runtime/files.ts";
import type { Log } from "../../src/runtime/log.ts";
import type { Secret } from "../../src/runtime/secret.ts";
import { type ConfigProblem, fieldOf, isProblem, type PlacedPod } from "./environment.ts";

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

interface TokenFile {
  readonly path: string;
  readonly audience: string | undefined;
  readonly expirationSeconds: number;
}

interface ProjectedSource {
  readonly serviceAccountToken?: {
    readonly path: string;
    readonly audience?: string;
    readonly expirationSeconds?: number;
  };
  readonly downwardAPI?: {
    readonly items?: readonly { readonly path: string; readonly fieldRef?: { readonly fieldPath: string } }[];
  };
}

/** Creates the volumes of a pod without writing anything yet. */
export function createPodVolumes(
  { clock, log, requestToken }: VolumeDeps,
  { placed, directory }: { readonly placed: PlacedPod; readonly directory: string },
): PodVolumes {
  const { metadata, spec } = placed.pod;
  const paths = new Map((spec.volumes ?? []).map(({ name }) => [name, join(directory, name)]));
  const stopped = new AbortController();

  async function prepare(volume: Volume): Promise<readonly TokenFile[] | ConfigProblem> {
    const path = join(directory, volume.name);
    await mkdir(path, { recursive: true, mode: OWNER_ONLY });
    if ("emptyDir" in volume) return [];
    const { sources } = (volume["projected"] ?? {}) as { sources?: readonly ProjectedSource[] };
    if (sources === undefined) return { problem: `volume "${volume.name}" is neither emptyDir nor projected` };
    const tokens: TokenFile[] = [];
    for (const source of sources) {
      if (source.serviceAccountToken) {
        const { path: file, audience, expirationSeconds = DEFAULT_TOKEN_LIFETIME_SECONDS } = source.serviceAccountToken;
        tokens.push({ path: join(path, file), audience, expirationSeconds });
      } else if (source.downwardAPI) {
        const problem = await writeFields(path, source.downwardAPI.items ?? []);
        if (problem) return problem;
      } else if (!Object.values(source).some((kind) => (kind as { optional?: boolean }).optional === true)) {
        return {
          problem: `volume "${volume.name}" has a source that this node does not have: ${Object.keys(source)[0]}`,
        };
      }
    }
    return tokens;
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

  /** Writes the token and returns when to renew it, in Unix milliseconds. */
  async function writeToken({ path, audience, expirationSeconds }: TokenFile): Promise<number> {
    const pod = { name: metadata.name ?? "", uid: metadata.uid ?? "" };
    const serviceAccount = spec.serviceAccountName ?? "default";
    const namespace = metadata.namespace ?? "";
    const askedAt = clock.now();
    const request = { namespace, serviceAccount, audience, expirationSeconds, pod };
    const { token, expiresAt } = await requestToken(request, stopped.signal);
    await writeFileOf(path, token.reveal());
    return askedAt + (expiresAt - askedAt) * REFRESH_AT_FRACTION;
  }

  async function writeTokenUntilDone(file: TokenFile, onDelay: (message: string) => void): Promise<number> {
    for (let attempt = 0; !stopped.signal.aborted; attempt++) {
      try {
        return await writeToken(file);
      } catch (error) {
        if (stopped.signal.aborted) break;
        log.warn({ err: error, audience: file.audience }, "token request failed");
        onDelay(`token for audience ${file.audience ?? "(default)"}: ${(error as Error).message}`);
        await sleep(clock, backoff(attempt, TOKEN_RETRY.baseMs, TOKEN_RETRY.capMs), stopped.signal);
      }
    }
    return Infinity;
  }

  async function keepFresh(file: TokenFile, firstRefreshAt: number): Promise<void> {
    for (let refreshAt = firstRefreshAt; !stopped.signal.aborted; ) {
      await sleep(clock, refreshAt - clock.now(), stopped.signal);
      if (!stopped.signal.aborted) refreshAt = await writeTokenUntilDone(file, () => {});
    }
  }

  return {
    pathOf: (name) => paths.get(name),
    async start(onDelay) {
      for (const volume of spec.volumes ?? []) {
        const tokens = await prepare(volume);
        if (isProblem(tokens)) return tokens;
        for (const file of tokens) {
          const refreshAt = await writeTokenUntilDone(file, onDelay);
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
