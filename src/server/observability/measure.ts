// Metrics around the use cases: each decorator has the shape of what it measures, so no use case knows that it is measured.
import { toPodroleError } from "../../protocol/errors.ts";
import type { CredentialCache } from "../aws/credential-cache.ts";
import type { AssumeRole } from "../aws/sts.ts";
import type { IssueCertificate } from "../issue/issue-certificate.ts";
import type { CredentialIssuer } from "../issue/issue-credentials.ts";
import type { ServerMetrics } from "./metrics.ts";

/** Counts the calls to STS by code, and measures their duration and how many are in flight. */
export function measureSts(assumeRole: AssumeRole, metrics: ServerMetrics): AssumeRole {
  return async (input) => {
    metrics.stsInFlight.inc();
    const stop = metrics.stsSeconds.startTimer();
    try {
      const credentials = await assumeRole(input);
      metrics.stsCalls.inc({ code: "OK" });
      return credentials;
    } catch (error) {
      metrics.stsCalls.inc({ code: toPodroleError(error).code });
      throw error;
    } finally {
      stop();
      metrics.stsInFlight.dec();
    }
  };
}

/** Counts how each look-up was answered. A prefetch is not counted: the look-up that it serves will be. */
export function measureCache(
  cache: CredentialCache,
  metrics: ServerMetrics,
): Pick<CredentialCache, "get" | "prefetch"> {
  return {
    async get(input, requester) {
      try {
        const answer = await cache.get(input, requester);
        metrics.cache.inc({ outcome: answer.outcome });
        return answer;
      } catch (error) {
        metrics.cache.inc({ outcome: "failed" });
        throw error;
      }
    },
    prefetch: (input, requester) => cache.prefetch(input, requester),
  };
}

/** Counts certificate requests by code and measures their duration. */
export function measureCertificates(issue: IssueCertificate, metrics: ServerMetrics): IssueCertificate {
  return async (...request) => {
    const stop = metrics.certificateSeconds.startTimer();
    try {
      const issued = await issue(...request);
      metrics.certificates.inc({ code: "ISSUED" });
      return issued;
    } catch (error) {
      metrics.certificates.inc({ code: toPodroleError(error).code });
      throw error;
    } finally {
      stop();
    }
  };
}

/** Counts credential requests by code, per container (once if the whole pod is refused), and measures their duration. */
export function measureCredentials(issuer: CredentialIssuer, metrics: ServerMetrics): CredentialIssuer {
  return {
    ...issuer,
    async issue(...request) {
      const stop = metrics.credentialsSeconds.startTimer();
      try {
        const results = await issuer.issue(...request);
        for (const result of results)
          metrics.credentials.inc({ code: "refusal" in result ? result.refusal.code : "ISSUED" });
        return results;
      } catch (error) {
        metrics.credentials.inc({ code: toPodroleError(error).code });
        throw error;
      } finally {
        stop();
      }
    },
  };
}
