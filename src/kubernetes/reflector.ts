// A cache of one resource, kept current by list and watch, that knows how fresh it is. States:
//   listing   reads all pages; what the cache held before still answers
//   watching  follows changes; opened anew after the server's timeout and after silence, left when a relist is due
//   waiting   after a failure: 0.5 s doubling to 30 s, or what the server asked for
//   stopped   by stop(), the only way out
// A failed watch is taken up where it was; a version that the server no longer has (410) leads back to listing.
// (https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes)
import { backoff, type Clock, jitter, sleep } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import type { ListWatch, WatchEvent } from "./api.ts";
import { ApiError } from "./errors.ts";
import type { ObjectMeta } from "./objects.ts";
import { createObjectCache, type Listener } from "./object-cache.ts";

export type ReflectorState = "listing" | "watching" | "waiting" | "stopped";

export interface Reflector<Kept> {
  /** By "namespace/name", or "name" for what has no namespace. */
  get(key: string): Kept | undefined;
  list(): readonly Kept[];
  readonly size: number;
  /** Resolves after the first complete list. It never rejects: a missing permission may be granted while it waits. */
  readonly ready: Promise<void>;
  /** Milliseconds since the server last proved that this content is current; Infinity before the first list. */
  ageMs(): number;
  state(): ReflectorState;
  /** Runs after each change, whether a watch or a list told it. Returns the end of the subscription. */
  onChange(listener: Listener<Kept>): () => void;
  stop(): void;
}

export interface ReflectorDeps<Item> {
  readonly source: ListWatch<Item>;
  readonly clock: Clock;
  readonly log: Log;
  readonly random?: () => number;
}

export interface ReflectorOptions<Item, Kept> {
  /** What is kept of an object: memory is this times the number of objects. */
  readonly project: (object: Item) => Kept;
  /** Objects a page. */
  readonly pageSize?: number;
  /**
   * A watch without an event or a bookmark for this long is opened anew, because its connection may be dead. Bookmarks
   * come about each minute, but not for a resource that stands still on a server whose etcd seldom tells its progress.
   */
  readonly inactivityMs?: number;
  /** A full list comes this often even if nothing seems wrong (±10 %). */
  readonly relistMs?: number;
  /** The API server is asked to end watches after a random time in between, so that they do not end together. */
  readonly watchMs?: { readonly min: number; readonly max: number };
  readonly backoffMs?: { readonly base: number; readonly cap: number };
}

const GONE = 410;
/** A watch that ends within this time and told nothing was refused in disguise (a proxy, an overloaded server). */
const SHORT_WATCH_MS = 5_000;
/** So many failed watches in a row put the resourceVersion itself in doubt (a restored etcd knows other ones). */
const DOUBT_AFTER = 3;

export function createReflector<Item extends { readonly metadata: ObjectMeta }, Kept>(
  { source, clock, log, random = Math.random }: ReflectorDeps<Item>,
  {
    project,
    pageSize = 500,
    inactivityMs = 90_000,
    relistMs = 600_000,
    watchMs = { min: 240_000, max: 480_000 },
    backoffMs = { base: 500, cap: 30_000 },
  }: ReflectorOptions<Item, Kept>,
): Reflector<Kept> {
  const cache = createObjectCache<Item, Kept>({ project, onListenerError: (err) => log.error({ err }, "listener") });
  const stopped = new AbortController();
  const first = Promise.withResolvers<void>();
  let state: ReflectorState = "listing";
  /** Where the next watch starts; undefined when only a list can tell. */
  let version: string | undefined;
  let relistAt = 0;
  let provedAt = Number.NEGATIVE_INFINITY;
  /** In a row, since the last proof. */
  let failures = 0;

  async function listAll(): Promise<void> {
    state = "listing";
    const startedAt = clock.now();
    const { items, resourceVersion } = await readPages(source, pageSize, stopped.signal);
    cache.replaceAll(items);
    version = resourceVersion;
    relistAt = clock.now() + jitter(relistMs, 0.1, random);
    // The list shows the moment it was asked for, not the one when its last page came.
    provedAt = startedAt;
    first.resolve();
  }

  /** One watch from `version`. Returns when it ended as agreed or a relist is due. */
  async function follow(from: string): Promise<void> {
    state = "watching";
    const startedAt = clock.now();
    const given = new AbortController();
    let opened = false;
    let cancelSilence = clock.schedule(() => given.abort(SILENT), inactivityMs);
    const cancelRelist = clock.schedule(() => given.abort(RELIST), relistAt - startedAt);
    const signal = AbortSignal.any([given.signal, stopped.signal]);
    const timeoutSeconds = Math.round((watchMs.min + (watchMs.max - watchMs.min) * random()) / 1000);
    try {
      for await (const event of source.watch({ resourceVersion: from, timeoutSeconds, signal })) {
        // What still lies in buffers after the end would undo a newer list.
        if (signal.aborted) break;
        provedAt = clock.now();
        if (event.type === "OPENED") opened = true;
        else apply(event);
        cancelSilence();
        cancelSilence = clock.schedule(() => given.abort(SILENT), inactivityMs);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      cancelSilence();
      cancelRelist();
    }
    if (stopped.signal.aborted) return;
    if (signal.reason === RELIST) {
      version = undefined;
      return;
    }
    if (!opened)
      throw new ApiError(0, "Silent", `Cannot watch ${source.name}: no answer came within ${inactivityMs} ms`);
    const lastedMs = clock.now() - startedAt;
    if (signal.reason === undefined && version === from && lastedMs < SHORT_WATCH_MS) {
      throw new ApiError(0, "Short", `Cannot watch ${source.name}: the watch ended at once`);
    }
    if (signal.reason === SILENT) log.debug({ source: source.name, lastedMs }, "a quiet watch is opened anew");
    failures = 0;
  }

  function apply(event: Exclude<WatchEvent<Item>, { type: "OPENED" }>): void {
    failures = 0;
    if (event.type === "BOOKMARK") {
      version = event.resourceVersion;
      return;
    }
    version = event.object.metadata.resourceVersion ?? version;
    if (event.type === "DELETED") cache.remove(event.object);
    else cache.put(event.object);
  }

  async function recover(error: unknown): Promise<void> {
    state = "waiting";
    failures += 1;
    if ((error instanceof ApiError && error.status === GONE) || failures % DOUBT_AFTER === 0) version = undefined;
    const asked = error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0;
    const waitMs = Math.round(Math.max(asked, backoff(failures - 1, backoffMs.base, backoffMs.cap, random)));
    log.warn({ err: error, source: source.name, waitMs, failures }, "a watch failed and starts again after a wait");
    await sleep(clock, waitMs, stopped.signal);
  }

  async function run(): Promise<void> {
    while (!stopped.signal.aborted) {
      try {
        if (version === undefined) await listAll();
        else await follow(version);
      } catch (error) {
        if (!stopped.signal.aborted) await recover(error);
      }
    }
    state = "stopped";
  }

  void run();
  return {
    get: (key) => cache.get(key),
    list: () => cache.list(),
    get size() {
      return cache.size;
    },
    ready: first.promise,
    ageMs: () => Math.max(0, clock.now() - provedAt),
    state: () => state,
    onChange: (listener) => cache.onChange(listener),
    stop: () => stopped.abort(),
  };
}

/** Why a watch was given up: told apart by identity. */
const SILENT = Symbol("silent");
const RELIST = Symbol("relist");

/** All pages. A list that takes so long that its version is gone is asked for once more in one piece, as client-go does. */
async function readPages<Item>(
  source: ListWatch<Item>,
  limit: number,
  signal: AbortSignal,
): Promise<{ readonly items: readonly Item[]; readonly resourceVersion: string }> {
  let page = await source.list({ limit, signal });
  const items = [...page.items];
  while (page.next !== undefined) {
    try {
      page = await source.list({ limit, next: page.next, signal });
    } catch (error) {
      if (error instanceof ApiError && error.status === GONE) return source.list({ limit: 0, signal });
      throw error;
    }
    items.push(...page.items);
  }
  return { items, resourceVersion: page.resourceVersion };
}
