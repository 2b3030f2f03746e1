// A cache of one resource, kept by list and watch. The client library's informer ends for good on some errors, so this
// is our own loop, and it measures how fresh it is. States:
//   listing   reading all pages; the old content still answers
//   watching  following changes from the list's resourceVersion; a watch that ends is taken up where it was
//   waiting   after a failure, 0.5 s doubling to 30 s with jitter
//   stopped   stop()
// A full list comes anew each RELIST, and at once when the server says that our version is too old (410 Gone).
import { PodroleError } from "../protocol/errors.ts";
import { backoff, type Clock, sleep } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import type { ListWatch, WatchEvent } from "./api.ts";
import type { ObjectMeta } from "./objects.ts";

const RELIST_EACH_MS = 10 * 60_000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;
const GONE = 410;

export interface Reflector<Kind> {
  /** By "namespace/name", or "name" for what has no namespace. */
  get(key: string): Kind | undefined;
  readonly size: number;
  /** Resolves after the first complete list. */
  readonly ready: Promise<void>;
  /** Milliseconds since the server last proved that this content is current; Infinity before the first list. */
  ageMs(): number;
  stop(): void;
}

export interface ReflectorOptions<Kind> {
  /** Keeps of each object what is needed, so that a large cluster fits into memory. */
  readonly project: (object: Kind) => Kind;
}

export function createReflector<Kind extends { metadata: ObjectMeta }>(
  { source, clock, log }: { readonly source: ListWatch<Kind>; readonly clock: Clock; readonly log: Log },
  { project }: ReflectorOptions<Kind>,
): Reflector<Kind> {
  const stopped = new AbortController();
  const first = Promise.withResolvers<void>();
  let objects = new Map<string, Kind>();
  let resourceVersion = "";
  let listedAt = Number.NEGATIVE_INFINITY;
  let provedAt = Number.NEGATIVE_INFINITY;
  let failures = 0;

  async function list(): Promise<void> {
    const fresh = new Map<string, Kind>();
    let page = await source.list(undefined);
    for (;;) {
      for (const object of page.items) fresh.set(keyOf(object.metadata), project(object));
      if (page.continueToken === undefined) break;
      page = await source.list(page.continueToken);
    }
    objects = fresh;
    resourceVersion = page.resourceVersion;
    listedAt = clock.now();
    prove();
    first.resolve();
  }

  function prove(): void {
    provedAt = clock.now();
    failures = 0;
  }

  function take(event: WatchEvent<Kind>): void {
    if (event.type === "ERROR") {
      if (event.code === GONE) resourceVersion = "";
      else throw new PodroleError("KUBERNETES_UNAVAILABLE", `Cannot watch ${source.resource}: ${event.message}`);
      return;
    }
    prove();
    const { metadata } = event.object;
    resourceVersion = metadata.resourceVersion ?? resourceVersion;
    if (event.type === "DELETED") objects.delete(keyOf(metadata));
    else if (event.type !== "BOOKMARK") objects.set(keyOf(metadata), project(event.object));
  }

  async function run(): Promise<void> {
    while (!stopped.signal.aborted) {
      try {
        if (resourceVersion === "" || clock.now() - listedAt > RELIST_EACH_MS) await list();
        await source.watch(resourceVersion, { onOpen: prove, onEvent: take }, stopped.signal);
        // A server that ends every watch at once must not be asked in a tight loop.
        await sleep(clock, FIRST_WAIT_MS, stopped.signal);
      } catch (error) {
        if (isGone(error)) resourceVersion = "";
        const retryAfterMs = error instanceof PodroleError ? error.retryAfterMs : undefined;
        const waitMs = retryAfterMs ?? backoff(failures++, FIRST_WAIT_MS, LONGEST_WAIT_MS);
        log.warn(
          { err: error, resource: source.resource, waitMs: Math.round(waitMs) },
          "a watch failed; it goes on after a wait",
        );
        await sleep(clock, waitMs, stopped.signal);
      }
    }
  }

  void run();
  return {
    get: (key) => objects.get(key),
    get size() {
      return objects.size;
    },
    ready: first.promise,
    ageMs: () => clock.now() - provedAt,
    stop: () => stopped.abort(),
  };
}

function keyOf({ namespace, name = "" }: ObjectMeta): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

function isGone(error: unknown): boolean {
  return error instanceof PodroleError && (error.cause as { statusCode?: number } | undefined)?.statusCode === GONE;
}
