// A cache of one resource, kept current by list and watch, that knows how fresh it is. States:
//   listing   reads all pages, and projects each before the next; reads still return the previous content
//   watching  applies changes; reopened after the API server's timeout and after silence, left when a relist is due
//   waiting   after a failure: 0.5 s doubling to 30 s, or the API server's Retry-After (at most 30 s) if that is longer
//   stopped   by stop(), the only terminal state
// A failed watch resumes where it was; a version that the API server no longer has (410) leads back to listing.
// (https://kubernetes.io/docs/reference/using-api/api-concepts/#efficient-detection-of-changes)
import { backoff, type Clock, jitter, MINUTE_MS, sleep } from "../runtime/clock.ts";
import { type DueTime, dueAfter, untilDueMs } from "../runtime/due.ts";
import type { Log } from "../runtime/log.ts";
import type { ListWatch, WatchEvent } from "./api.ts";
import { ApiError } from "./errors.ts";
import { isGone, readPages } from "./list-pages.ts";
import { cacheKey, createObjectCache, type NamespaceShare } from "./object-cache.ts";
import type { ObjectMeta } from "./objects.ts";
import { findWatchError, followWatch } from "./watch.ts";

/**
 * A watch may lag: for so many milliseconds after the server has seen a pod at work, the pod counts as alive although
 * the cache does not contain it.
 */
export const MAX_WATCH_LAG_MS = MINUTE_MS;

/** Read access to the cache, and its freshness. */
export interface Reflector<Cached> {
  /** Returns the cached object by "namespace/name", or by "name" for an object without a namespace. */
  get(key: string): Cached | undefined;
  list(): readonly Cached[];
  /** Returns the objects of a namespace. */
  listIn(namespace: string): readonly Cached[];
  /** Resolves after the first complete list. It never rejects: a missing permission may be granted while it waits. */
  readonly ready: Promise<void>;
  /** Milliseconds since the API server last confirmed that this content is current; Infinity before the first list. */
  ageMs(): number;
  stop(): void;
}

/** What a reflector reads from, and its clock. */
export interface ReflectorDeps<Item> {
  readonly source: ListWatch<Item>;
  readonly clock: Clock;
  readonly log: Log;
  readonly random?: () => number;
}

/** What a reflector caches, and how often it checks. Times are milliseconds. */
export interface ReflectorOptions<Item, Cached> {
  /** Selects the part of an object to cache. Memory use is that part times the number of objects, up to `share`. */
  readonly project: (object: Item) => Cached;
  /** Of a resource that tenants create: objects beyond a namespace's share are not cached. Absent: all are cached. */
  readonly share?: NamespaceShare<Cached>;
  /**
   * Called after the content has changed, with the key of the object that an event of the watch concerns, and without
   * one after a list; must not throw.
   */
  readonly onUpdate?: (key?: string) => void;
  /** Objects per page, at most. */
  readonly pageSize?: number;
  /**
   * A watch without an event or a bookmark for this long is reopened, because its connection may be dead. Bookmarks
   * arrive about once a minute, but not for an unchanged resource on an API server whose etcd rarely reports its
   * progress.
   */
  readonly inactivityMs?: number;
  /** Interval of full lists even if nothing seems wrong (±10 %). */
  readonly relistMs?: number;
  /** The API server ends each watch after a random time in this range, so that watches do not end together. */
  readonly watchMs?: { readonly min: number; readonly max: number };
  readonly backoffMs?: { readonly base: number; readonly cap: number };
}

/**
 * After this many failed watches in a row the resourceVersion itself is in doubt (a restored etcd has different ones).
 */
const RELIST_AFTER_FAILURES = 3;

const BEYOND_SHARE =
  "a namespace has more than the cache keeps of it; the rest is read from the API server when needed";

/** Creates a reflector, which starts to list at once. It ends only with stop(). */
export function startReflector<Item extends { readonly metadata: ObjectMeta }, Cached>(
  { source, clock, log, random = Math.random }: ReflectorDeps<Item>,
  {
    project,
    share,
    onUpdate = () => {},
    pageSize = 500,
    inactivityMs = 90_000,
    relistMs = 600_000,
    watchMs = { min: 240_000, max: 480_000 },
    backoffMs = { base: 500, cap: 30_000 },
  }: ReflectorOptions<Item, Cached>,
): Reflector<Cached> {
  const cache = createObjectCache<Item, Cached>({
    project,
    ...(share !== undefined && { share }),
    onSurplus: (namespace) => log.warn({ source: source.name, namespace, maxBytes: share?.maxBytes }, BEYOND_SHARE),
  });
  const stopped = new AbortController();
  const first = Promise.withResolvers<void>();
  /** Where the next watch starts; undefined if a list must come first. */
  let version: string | undefined;
  let relistAt: DueTime = dueAfter(clock, 0);
  let confirmedAt: DueTime | undefined;
  /** Consecutive, since the API server last confirmed the content. */
  let failures = 0;

  async function listAll(): Promise<void> {
    const startedAt = dueAfter(clock, 0);
    let replacement = cache.replace();
    version = await readPages(
      source,
      { limit: pageSize, signal: stopped.signal },
      {
        onStart() {
          replacement = cache.replace();
        },
        onPage: (items) => replacement.add(items),
      },
    );
    replacement.finish();
    relistAt = dueAfter(clock, jitter(relistMs, 0.1, random));
    // The list is current as of its request, not as of its last page.
    confirmedAt = startedAt;
    first.resolve();
    onUpdate();
  }

  /** Follows one watch from `version`. Returns when the API server ended it normally or a relist is due. */
  async function follow(from: string): Promise<void> {
    const timeoutSeconds = Math.round((watchMs.min + (watchMs.max - watchMs.min) * random()) / 1000);
    const end = await followWatch(
      { source, clock, stopped: stopped.signal },
      { from, timeoutSeconds, inactivityMs, endAt: relistAt },
      (event) => {
        confirmedAt = dueAfter(clock, 0);
        if (event.type !== "OPENED") apply(event);
      },
    );
    const problem = findWatchError(source.name, end, { hasProgressed: version !== from, inactivityMs });
    if (problem) throw problem;
    if (end.cause === "silent") log.debug({ source: source.name, lastedMs: end.lastedMs }, "reopening a silent watch");
    if (end.cause === "due") version = undefined;
    else failures = 0;
  }

  function apply(event: Exclude<WatchEvent<Item>, { type: "OPENED" }>): void {
    failures = 0;
    if (event.type === "BOOKMARK") {
      version = event.resourceVersion;
      return;
    }
    version = event.object.metadata.resourceVersion ?? version;
    // Callers read live what is not cached.
    if (event.type === "DELETED" || event.type === "TOO_LARGE") cache.remove(event.object);
    else cache.put(event.object);
    onUpdate(cacheKey(event.object.metadata));
  }

  async function recover(error: unknown): Promise<void> {
    failures += 1;
    if (isGone(error) || failures % RELIST_AFTER_FAILURES === 0) version = undefined;
    const retryAfterMs = error instanceof ApiError ? (error.retryAfterMs ?? 0) : 0;
    const waitMs = Math.round(Math.max(retryAfterMs, backoff(failures - 1, backoffMs.base, backoffMs.cap, random)));
    log.warn({ err: error, source: source.name, waitMs, failures }, "a watch failed; it is retried after waitMs");
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
  }

  void run();
  return {
    get: (key) => cache.get(key),
    list: () => cache.list(),
    listIn: (namespace) => cache.listIn(namespace),
    ready: first.promise,
    ageMs: () => (confirmedAt ? Math.max(0, -untilDueMs(clock, confirmedAt)) : Number.POSITIVE_INFINITY),
    stop: () => stopped.abort(),
  };
}
