// Whose review is parsed and decided next. Both happen in one go, which for a large review takes a good part of a
// second, so each turn of the event loop has room for one: sockets are read in between, and small reviews overtake
// large ones.
// Nothing tells the API server from a stranger, unless --api-server-cidrs or --api-server-ca does. So each of two
// orders has every second turn:
//   by caller   the one whose last turn is longest ago: one caller with many connections delays nobody, but beside N
//               addresses a burst of the API server has one turn in N+1;
//   by arrival  the review that has waited longest: the last of a burst waits for what was in flight when it came, from
//               however many addresses. 250 reviews of 5 ms delay it by 2.5 s.
// Reviews of callers whose reviews cost many times an ordinary one count as large. A review whose caller has given up
// leaves without a turn: the API server closes the connection at its timeout.
// States of a review: waiting → running (take() resolves), or left (take() rejects). Ended by its turn or by its
// signal.
import { createLru } from "../runtime/lru.ts";

/** Reviews of at least this weight (reviewWeight() in bodies.ts) wait for small ones. Nearly all pods have less. */
export const MIN_LARGE_WEIGHT = 128 * 1024;
/** One of this many turns is for a large review even if small ones wait, so that they cannot keep it out. */
const TURNS_PER_LARGE_REVIEW = 8;
/**
 * Mean CPU time of a caller's reviews from which they count as large. An ordinary one takes 1 to 3 ms. The matches of
 * one decision take up to 200 ms (MAX_STEPS in ../policy/permission.ts, for each of two annotations).
 */
export const COSTLY_MS = 15;
/** Weight of the last review in its caller's mean: the first one after a start takes ten times as long as others. */
const LAST_REVIEW_WEIGHT = 1 / 8;
const MAX_KNOWN_CALLERS = 4_096;

/** A review that is to be decided. */
export interface ComingReview {
  readonly caller: string;
  /** See reviewWeight() in bodies.ts. */
  readonly weight: number;
  /** The operator's settings say that the caller is the API server: it precedes all others. */
  readonly precedes?: boolean;
}

export interface Turns {
  /** Resolves when it is the turn of the review. Rejects with the signal's reason when that aborts first. */
  take(review: ComingReview, signal?: AbortSignal): Promise<void>;
}

export interface TurnsDeps {
  /** Runs a task once sockets have been read; tasks run in the order in which they were passed. */
  readonly nextTurn: (task: () => void) => void;
  /** CPU time of this thread in milliseconds. */
  readonly cpuMs: () => number;
}

interface QueuedReview {
  readonly caller: string;
  readonly start: () => void;
}

/** Creates the turns. */
export function createTurns({ nextTurn, cpuMs }: TurnsDeps): Turns {
  const preceding = createLanes();
  const others = createLanes();
  const costs = createLru<number>(MAX_KNOWN_CALLERS);
  let isRunning = false;
  let turn = 0;
  let current: { readonly caller: string; readonly beganMs: number } | undefined;

  function runNext(): void {
    turn += 1;
    const isForLarge = turn % TURNS_PER_LARGE_REVIEW === 0;
    const review = preceding.next(isForLarge) ?? others.next(isForLarge);
    isRunning = review !== undefined;
    current = review && { caller: review.caller, beganMs: cpuMs() };
    if (review === undefined) return;
    nextTurn(runNext);
    nextTurn(endTurn);
    review.start();
  }

  /**
   * Runs right behind the turn that follows the one in which it was scheduled, before sockets are read again: what the
   * thread has done since the turn began is the review's work. The rest of a review that waits for live reads is not
   * counted, but its matches are: it is decided by the caches first.
   */
  function endTurn(): void {
    if (current === undefined) return;
    const { caller, beganMs } = current;
    const meanMs = costs.get(caller) ?? 0;
    costs.set(caller, meanMs + (cpuMs() - beganMs - meanMs) * LAST_REVIEW_WEIGHT);
    current = undefined;
  }

  return {
    take: ({ caller, weight, precedes = false }, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason as Error);
        const isLarge = weight >= MIN_LARGE_WEIGHT || (costs.peek(caller) ?? 0) >= COSTLY_MS;
        const lane = (precedes ? preceding : others).laneOf(isLarge);
        const start = () => {
          signal?.removeEventListener("abort", leave);
          resolve();
        };
        const review = { caller, start };
        const leave = () => {
          lane.remove(review);
          reject(signal?.reason as Error);
        };
        signal?.addEventListener("abort", leave, { once: true });
        lane.add(review);
        if (!isRunning) runNext();
      }),
  };
}

/** Small and large reviews of callers of one rank. */
function createLanes() {
  const [small, large] = [createLane(), createLane()] as const;
  return {
    laneOf: (isLarge: boolean) => (isLarge ? large : small),
    next(isForLarge: boolean): QueuedReview | undefined {
      const [first, second] = isForLarge ? [large, small] : [small, large];
      return first.next() ?? second.next();
    },
  };
}

/** Reviews that wait. Sets and Maps keep the order of insertion. */
function createLane() {
  const byArrival = new Set<QueuedReview>();
  /** The first caller is the one whose last turn is longest ago. */
  const byCaller = new Map<string, Set<QueuedReview>>();
  let isByArrival = false;

  function remove(review: QueuedReview): void {
    byArrival.delete(review);
    const own = byCaller.get(review.caller);
    if (own?.delete(review) && own.size === 0) byCaller.delete(review.caller);
  }

  return {
    remove,
    add(review: QueuedReview): void {
      byArrival.add(review);
      const own = byCaller.get(review.caller);
      if (own) own.add(review);
      else byCaller.set(review.caller, new Set([review]));
    },
    next(): QueuedReview | undefined {
      const [first] = isByArrival ? byArrival : (byCaller.values().next().value ?? []);
      if (first === undefined) return undefined;
      isByArrival = !isByArrival;
      const { caller } = first;
      const own = byCaller.get(caller);
      remove(first);
      // To the end: this was the caller's turn.
      byCaller.delete(caller);
      if (own && own.size > 0) byCaller.set(caller, own);
      return first;
    },
  };
}
