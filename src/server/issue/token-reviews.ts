// Bounds how many TokenReviews wait for the API server at the same time, in all and for one address: callers of the identity
// port have proved nothing when they cause one. States of a review: in flight → ended (its answer, or its failure).

export interface TokenReviewLimits {
  readonly inAll: number;
  readonly perAddress: number;
}

/** A review takes the API server a few milliseconds, so this is thousands each second. */
export const TOKEN_REVIEW_LIMITS: TokenReviewLimits = { inAll: 64, perAddress: 32 };

/** Runs `review` unless too many are in flight; undefined if they are. `peer`: "ip:port". */
export type LimitReviews = <Answer>(peer: string, review: () => Promise<Answer>) => Promise<Answer | undefined>;

/** Creates the bound. */
export function createReviewLimit({ inAll, perAddress }: TokenReviewLimits = TOKEN_REVIEW_LIMITS): LimitReviews {
  const byAddress = new Map<string, number>();
  let total = 0;
  return async (peer, review) => {
    const address = peer.replace(/:\d+$/, "");
    const own = byAddress.get(address) ?? 0;
    if (total >= inAll || own >= perAddress) return undefined;
    total += 1;
    byAddress.set(address, own + 1);
    try {
      return await review();
    } finally {
      total -= 1;
      const left = (byAddress.get(address) ?? 1) - 1;
      if (left > 0) byAddress.set(address, left);
      else byAddress.delete(address);
    }
  };
}
