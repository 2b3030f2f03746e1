// Metrics around the use cases: each decorator has the shape of what it measures, so no use case knows that it is
// measured.
import { toPodroleError } from "../../protocol/errors.ts";
import type { CredentialCache } from "../aws/credential-cache.ts";
import type { AssumeRole } from "../aws/sts.ts";
import type { IssueCertificate } from "../issue/issue-certificate.ts";
import type { CredentialIssuer, IssueResult } from "../issue/issue-credentials.ts";
import type { ServerMetrics } from "./metrics.ts";

/** Counts the calls to STS by code, and measures their duration and how many are in flight. */
export function measureSts(assumeRole: AssumeRole, metrics: ServerMetrics): AssumeRole {
  const { stsInFlight, stsSeconds: seconds, stsCalls: ends } = metrics;
  return async (input) => {
    stsInFlight.inc();
    try {
      return await timeCall(() => assumeRole(input), { seconds, ends, codesOf: () => ["OK"] });
    } finally {
      stsInFlight.dec();
    }
  };
}

/** Counts how each look-up was answered. A prefetch is not counted: the look-up that it serves will be. */
export function measureCache(
  cache: CredentialCache,
  metrics: ServerMetrics,
): Pick<CredentialCache, "get" | "prefetch"> {
  return {
    async get(input, requestingPod) {
      try {
        const answer = await cache.get(input, requestingPod);
        metrics.cache.inc({ outcome: answer.outcome });
        return answer;
      } catch (error) {
        metrics.cache.inc({ outcome: "failed" });
        throw error;
      }
    },
    prefetch: (input, requestingPod) => cache.prefetch(input, requestingPod),
  };
}

/** Counts certificate requests by code and measures their duration. */
export function measureCertificates(issue: IssueCertificate, metrics: ServerMetrics): IssueCertificate {
  const { certificateSeconds: seconds, certificates: ends } = metrics;
  return (...request) => timeCall(() => issue(...request), { seconds, ends, codesOf: () => ["ISSUED"] });
}

/**
 * Counts credential requests by code, per container (once if the whole pod is refused), and measures their duration.
 */
export function measureCredentials(issuer: CredentialIssuer, metrics: ServerMetrics): CredentialIssuer {
  const { credentialsSeconds: seconds, credentials: ends } = metrics;
  const codesOf = (results: readonly IssueResult[]) =>
    results.map((result) => ("refusal" in result ? result.refusal.code : "ISSUED"));
  return { ...issuer, issue: (...request) => timeCall(() => issuer.issue(...request), { seconds, ends, codesOf }) };
}

interface CallMeasures<Result> {
  readonly seconds: { startTimer(): () => unknown };
  /** Counts the ends of calls by code. */
  readonly ends: { inc(labels: { readonly code: string }): void };
  /** The codes of a result, one for each end to count. */
  readonly codesOf: (result: Result) => readonly string[];
}

/** Measures the duration of a call, and counts the codes of its result or of its error; both pass through. */
async function timeCall<Result>(
  call: () => Promise<Result>,
  { seconds, ends, codesOf }: CallMeasures<Result>,
): Promise<Result> {
  const stop = seconds.startTimer();
  try {
    const result = await call();
    for (const code of codesOf(result)) ends.inc({ code });
    return result;
  } catch (error) {
    ends.inc({ code: toPodroleError(error).code });
    throw error;
  } finally {
    stop();
  }
}
