// A rate limit: a bucket of tokens, one for each call, that fills evenly up to its size, by elapsed time. No timer runs
// here.
import type { Clock } from "./clock.ts";

/** Size and rate of a bucket. */
export interface TokenBucketOptions {
  /** Most tokens: calls admitted at once when the bucket is full. */
  readonly burst: number;
  /** Milliseconds in which one token is added. */
  readonly spacingMs: number;
}

/** A bucket of tokens, each of which permits one call. */
export interface TokenBucket {
  /** Takes a token; false if there is none. */
  take(): boolean;
  /** Milliseconds until the next token, counted from the last take(); 0 if there is one. */
  waitMs(): number;
  /** Takes all tokens. The bucket fills again after `ms` milliseconds; take() must not be called earlier. */
  emptyFor(ms: number): void;
}

/** Creates a full bucket. A wall clock that is set neither adds nor holds back tokens. */
export function createTokenBucket(
  { clock }: { readonly clock: Clock },
  { burst, spacingMs }: TokenBucketOptions,
): TokenBucket {
  let tokens = burst;
  let filledAt = clock.elapsedMs();
  return {
    take() {
      const now = clock.elapsedMs();
      tokens = Math.min(burst, tokens + Math.max(0, now - filledAt) / spacingMs);
      filledAt = now;
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
    waitMs: () => Math.max(0, (1 - tokens) * spacingMs),
    emptyFor(ms) {
      tokens = 0;
      filledAt = clock.elapsedMs() + ms;
    },
  };
}
