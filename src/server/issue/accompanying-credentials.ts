// Credentials that the identity port returns with a certificate, so that a pod's start needs one call instead of two.
// The decision, the audit lines and the Events are those of the credentials port: the same use case issues them.
import type { Clock } from "../../runtime/clock.ts";
import type { PrefetchedPod } from "./issue-certificate.ts";
import type { CredentialIssuer, IssueResult } from "./issue-credentials.ts";

export interface AccompanyingCredentialsDeps {
  readonly clock: Clock;
  readonly issuer: Pick<CredentialIssuer, "issue">;
}

/**
 * Resolves with one result for each container if the server has the pod's credentials soon, otherwise with none: the
 * caller then requests them on the credentials port, which also reports why a whole pod is refused. `wait`: aborts when
 * the call is to wait no longer. Never rejects.
 */
export type AccompanyingCredentials = (
  pod: PrefetchedPod,
  containers: readonly string[],
  peer: string,
  wait?: AbortSignal,
) => Promise<readonly IssueResult[]>;

/**
 * In milliseconds. Several times what AssumeRole takes, and short beside the 10 s that a call to STS may take: while
 * STS hangs, callers that wait for it must not hold the connections of the identity port.
 */
const MAX_ACCOMPANYING_WAIT_MS = 2_000;

/** Creates the function; it has no state. */
export function createAccompanyingCredentials({ clock, issuer }: AccompanyingCredentialsDeps): AccompanyingCredentials {
  return async ({ identity, prefetched }, containers, peer, wait) => {
    if (containers.length === 0 || wait?.aborted) return [];
    const over = new AbortController();
    const tooLate = Promise.withResolvers<readonly IssueResult[]>();
    function end(): void {
      over.abort();
      tooLate.resolve([]);
    }
    const cancel = clock.schedule(end, MAX_ACCOMPANYING_WAIT_MS);
    wait?.addEventListener("abort", end, { once: true });

    async function issueOnceFetched(): Promise<readonly IssueResult[]> {
      await prefetched;
      if (over.signal.aborted) return [];
      try {
        return await issuer.issue(identity, containers, peer, over.signal);
      } catch {
        return [];
      }
    }

    // To issue may take another turn at STS, if the limiter refused the first one. What is issued too late has its
    // audit line, and the caller's next request gets it.
    const results = await Promise.race([issueOnceFetched(), tooLate.promise]);
    cancel();
    return results;
  };
}
