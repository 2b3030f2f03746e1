// Bounds how many TokenReviews, each with the look-up of its pod, wait for the API server at the same time: callers of
// the identity port have proved nothing when they cause one. Tokens that the API server has signed (token-signature.ts)
// and all other tokens have separate bounds, so that strangers, who can sign nothing, cannot keep pods out, whatever
// address they call from.
// States of a review of a signed token:
// - waiting, while too many are in flight → in flight, in its turn: namespaces take turns, and within a namespace its
//   pods; or refused: after 5 s, or when too many wait and it is the newest of the pod with most, in the namespace with
//   most.
// - in flight → ended (its answer, or its failure).
// - refused at once, if its pod has too many of them in flight or waiting: a sidecar makes one call at a time.
// States of every other review: in flight → ended; or refused at once, while too many are in flight in all or for its
// address.
import { withoutPort } from "../../protocol/calls-in-flight.ts";
import type { Clock } from "../../runtime/clock.ts";
import { createFairQueue, type PodKey } from "../turns/fair-queue.ts";

export interface TokenReviewLimits {
  readonly signed: { readonly inFlight: number; readonly perPod: number; readonly waiting: number };
  readonly others: { readonly inFlight: number; readonly perAddress: number };
}

/**
 * A review takes the API server a few milliseconds, so these are thousands each second. Together with those that wait,
 * fewer than the calls that the identity port works on (MAX_IDENTITY_CALLS).
 */
export const TOKEN_REVIEW_LIMITS: TokenReviewLimits = {
  signed: { inFlight: 64, perPod: 16, waiting: 32 },
  others: { inFlight: 64, perAddress: 32 },
};

/** Leaves a sidecar, which waits 15 s for its certificate, enough time for the rest. */
const MAX_WAIT_MS = 5_000;

/** Who causes a review. */
export interface TokenHolder {
  /** "ip:port". */
  readonly peer: string;
  /** The pod to which the API server issued the token; undefined if nothing shows that it issued it. */
  readonly pod: PodKey | undefined;
}

/** Runs `review` in its turn; undefined if it was refused. */
export type LimitReviews = <Answer>(holder: TokenHolder, review: () => Promise<Answer>) => Promise<Answer | undefined>;

/** Ends a review that is in flight. */
type EndReview = () => void;

/** Creates the bounds. */
export function createReviewLimiter(
  { clock }: { readonly clock: Clock },
  { signed, others }: TokenReviewLimits = TOKEN_REVIEW_LIMITS,
): LimitReviews {
  const takeTurn = createReviewTurns(clock, signed);
  const takePlace = createPlaces({ inFlight: others.inFlight, perCaller: others.perAddress });
  return async ({ peer, pod }, review) => {
    const end = pod ? await takeTurn(pod) : takePlace(withoutPort(peer));
    if (end === undefined) return undefined;
    try {
      return await review();
    } finally {
      end();
    }
  };
}

interface WaitingReview extends PodKey {
  /** Begins the review, or refuses it. */
  readonly settle: (isTurn: boolean) => void;
}

/** Reviews of signed tokens. Nothing waits while fewer than `inFlight` are in flight. */
function createReviewTurns(clock: Clock, limits: TokenReviewLimits["signed"]) {
  const queue = createFairQueue<WaitingReview>(limits.waiting);
  let inFlight = 0;
  /** Counts those that wait as well. */
  const takePlaceOfPod = createPlaces({ inFlight: Number.POSITIVE_INFINITY, perCaller: limits.perPod });

  function begin(): EndReview {
    inFlight += 1;
    return () => {
      inFlight -= 1;
      queue.take()?.settle(true);
    };
  }

  function waitForTurn(pod: PodKey): Promise<EndReview | undefined> {
    if (inFlight < limits.inFlight) return Promise.resolve(begin());
    const { promise, resolve } = Promise.withResolvers<EndReview | undefined>();
    const cancel = clock.schedule(() => {
      queue.delete(review);
      resolve(undefined);
    }, MAX_WAIT_MS);
    const review: WaitingReview = {
      namespace: pod.namespace,
      uid: pod.uid,
      settle(isTurn) {
        cancel();
        resolve(isTurn ? begin() : undefined);
      },
    };
    queue.push(review)?.settle(false);
    return promise;
  }

  return async (pod: PodKey): Promise<EndReview | undefined> => {
    const endOfPod = takePlaceOfPod(`${pod.namespace}/${pod.uid}`);
    if (endOfPod === undefined) return undefined;
    const end = await waitForTurn(pod);
    if (end === undefined) {
      endOfPod();
      return undefined;
    }
    return () => {
      end();
      endOfPod();
    };
  };
}

/** Counts reviews in all and by caller; those of all other tokens by address. */
function createPlaces({ inFlight, perCaller }: { readonly inFlight: number; readonly perCaller: number }) {
  const byCaller = new Map<string, number>();
  let total = 0;
  return (caller: string): EndReview | undefined => {
    const own = byCaller.get(caller) ?? 0;
    if (total >= inFlight || own >= perCaller) return undefined;
    total += 1;
    byCaller.set(caller, own + 1);
    return () => {
      total -= 1;
      const left = (byCaller.get(caller) ?? 1) - 1;
      if (left > 0) byCaller.set(caller, left);
      else byCaller.delete(caller);
    };
  };
}
