// How often the AWS SDK repeats a call to STS itself: once, soon, and only after a transient failure such as a lost
// connection. Throttled calls are the limiter's, which pauses all of them. The SDK's own strategy would wait as long as
// a Retry-After header says, beyond the call's deadline, so that a throttled call would look like an outage.
import { jitter } from "../../runtime/clock.ts";

const STS_RETRY_DELAY_MS = 100;

/** An attempt in the SDK's form: how often the call was repeated, and the delay before this attempt in milliseconds. */
const FIRST_ATTEMPT = { getRetryCount: () => 0, getRetryDelay: () => 0 };
const SECOND_ATTEMPT: typeof FIRST_ATTEMPT = {
  getRetryCount: () => 1,
  getRetryDelay: () => jitter(STS_RETRY_DELAY_MS, 0.5),
};

/** The strategy, in the SDK's form: refreshRetryTokenForRetry() rejects if a call is not repeated. */
export const STS_RETRY_STRATEGY = {
  acquireInitialRetryToken: async () => FIRST_ATTEMPT,
  async refreshRetryTokenForRetry(attempt: typeof FIRST_ATTEMPT, { errorType }: { readonly errorType: string }) {
    if (attempt.getRetryCount() > 0 || errorType !== "TRANSIENT")
      throw new Error(`Cannot repeat the call: it failed with ${errorType}; expected a first transient failure`);
    return SECOND_ATTEMPT;
  },
  recordSuccess() {},
} as const;
