// The requests without an answer that the signer knows, within bounds, so that a node or user that makes a great many
// costs no more than these bounds. An event of the watch is looked at alone. All cached requests are walked over only
// after a list, and while requests beyond a bound were left out and others have ended since: at most every 5 s, some
// hundred in a turn of the event loop. States of a request: unknown → known → forgotten, when the watch reports its
// answer or end, or when a bound is exceeded; the next walk finds it again.
import { cacheKey } from "../../kubernetes/object-cache.ts";
import { type Clock, SECOND_MS } from "../../runtime/clock.ts";
import { type DueTime, dueAfter, isDue, untilDueMs } from "../../runtime/due.ts";
import { createFairQueue, type PodKey } from "../turns/fair-queue.ts";
import type { RequestPlace } from "./sign-request.ts";

/** What is cached of a request: its author chooses how large the rest is. */
export type CachedRequest = (RequestPlace & { readonly node: string; readonly pod: string }) | "answered";

/** A request that is known to have no answer. Its key for turns is its node, in place of a pod. */
export interface KnownRequest extends PodKey {
  /** "namespace/name". */
  readonly key: string;
  readonly place: RequestPlace;
  /** The pod's namespace, name, uid and node, as the request has them. */
  readonly pod: string;
  /** When it became known. */
  readonly since: DueTime;
  /** When it is tried next; undefined while it is queued or in work. */
  retryAt: DueTime | undefined;
  attempts: number;
}

/** What the known requests depend on. The two functions must not throw. */
export interface KnownRequestsDeps {
  readonly clock: Clock;
  /** The content of the watch. */
  readonly cached: { get(key: string): CachedRequest | undefined; list(): readonly CachedRequest[] };
  readonly onKnown: (request: KnownRequest) => void;
  readonly onForgotten: (request: KnownRequest) => void;
}

/** The known requests, oldest first. */
export interface KnownRequests {
  readonly size: number;
  /** The one that has been known for longest. */
  oldest(): KnownRequest | undefined;
  has(request: KnownRequest): boolean;
  /** Looks at the request that an event changed; without a key, after a list, a walk over all begins. */
  update(key?: string): void;
  /**
   * Continues a walk, or begins one that is due. Returns the milliseconds until it must be called again, 0 for at once.
   */
  step(): number;
}

/** A pod needs one, and another if its node's kubelet restarts. */
export const MAX_KNOWN_PER_POD = 8;
/** A kubelet has at most 110 pods unless it is configured otherwise. */
export const MAX_KNOWN_PER_NODE = 256;
/** Beyond this the newest request of the node with most is forgotten, in the namespace with most. */
export const MAX_KNOWN_REQUESTS = 10_000;
const MAX_LOOKS_PER_TURN = 500;
const WALK_INTERVAL_MS = 5 * SECOND_MS;

/** Creates the list, which is empty until the first update(). It has no timer. */
export function createKnownRequests({ clock, cached, onKnown, onForgotten }: KnownRequestsDeps): KnownRequests {
  const known = new Map<string, KnownRequest>();
  /** How many of them each pod has. */
  const perPod = new Map<string, number>();
  /** The known requests by namespace and node, for the bounds alone: nothing takes its turn here. */
  const shares = createFairQueue<KnownRequest>(MAX_KNOWN_REQUESTS);
  let walk: IterableIterator<string> | undefined;
  let walkAt: DueTime | undefined;
  /** Whether a request was left out since the last walk began, and whether one was forgotten. */
  let hasMore = false;
  let hasRoom = false;

  function forget(request: KnownRequest): void {
    known.delete(request.key);
    const left = (perPod.get(request.pod) ?? 0) - 1;
    if (left > 0) perPod.set(request.pod, left);
    else perPod.delete(request.pod);
    shares.delete(request);
    hasRoom = true;
    onForgotten(request);
  }

  function look(key: string): void {
    const current = cached.get(key);
    const open = current === "answered" ? undefined : current;
    const present = known.get(key);
    if (present && present.place.uid !== open?.uid) forget(present);
    if (open && !known.has(key)) add(key, open);
  }

  function add(key: string, { node, pod, ...place }: Exclude<CachedRequest, "answered">): void {
    const turn = { namespace: place.namespace, uid: node };
    const ofPod = perPod.get(pod) ?? 0;
    if (shares.sizeOf(turn) >= MAX_KNOWN_PER_NODE || ofPod >= MAX_KNOWN_PER_POD) {
      hasMore = true;
      return;
    }
    const request = { ...turn, key, place, pod, since: dueAfter(clock, 0), retryAt: undefined, attempts: 0 };
    known.set(key, request);
    perPod.set(pod, ofPod + 1);
    const dropped = shares.push(request);
    if (dropped) {
      hasMore = true;
      forget(dropped);
    }
    if (dropped !== request) onKnown(request);
  }

  function* keysOfWalk(): IterableIterator<string> {
    yield* Array.from(known.keys());
    for (const request of cached.list()) yield request === "answered" ? "" : cacheKey(request);
  }

  function beginWalk(): void {
    walk = keysOfWalk();
    walkAt = dueAfter(clock, WALK_INTERVAL_MS);
    hasMore = false;
    hasRoom = false;
  }

  return {
    get size() {
      return known.size;
    },
    oldest() {
      const [first] = known.values();
      return first;
    },
    has: (request) => known.get(request.key) === request,
    update(key) {
      if (key === undefined) beginWalk();
      else look(key);
    },
    step() {
      if (!walk && hasMore && hasRoom && (!walkAt || isDue(clock, walkAt))) beginWalk();
      for (let looks = 0; walk && looks < MAX_LOOKS_PER_TURN; looks += 1) {
        const { done = false, value } = walk.next();
        if (done) walk = undefined;
        else if (value !== "") look(value);
      }
      if (walk) return 0;
      return hasMore && hasRoom && walkAt ? Math.max(0, untilDueMs(clock, walkAt)) : Number.POSITIVE_INFINITY;
    },
  };
}
