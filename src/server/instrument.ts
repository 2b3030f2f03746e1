// Metrics around the use cases: decorators of one shape each, so that no use case knows that it is measured.
import { toPodroleError } from "../protocol/errors.ts";
import type { Listener } from "../protocol/listener.ts";
import type { Metrics } from "../runtime/metrics.ts";
import type { CredentialCache } from "./aws/credential-cache.ts";
import type { IssueCertificate } from "./issue/issue-certificate.ts";
import type { CredentialIssuer } from "./issue/issue-credentials.ts";
import type { SERVER_METRICS } from "./metrics.ts";
import type { AssumeRole } from "./aws/sts.ts";

type ServerMetrics = Metrics<typeof SERVER_METRICS>;

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

export function measureCache(
  cache: CredentialCache,
  metrics: ServerMetrics,
): Pick<CredentialCache, "get" | "prefetch"> {
  return {
    async get(input, podUid) {
      try {
        const answer = await cache.get(input, podUid);
        metrics.cache.inc({ outcome: answer.outcome });
        return answer;
      } catch (error) {
        metrics.cache.inc({ outcome: "failed" });
        throw error;
      }
    },
    prefetch: (input, podUid) => cache.prefetch(input, podUid),
  };
}

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

export function measureCredentials(issuer: CredentialIssuer, metrics: ServerMetrics): CredentialIssuer {
  return {
    ...issuer,
    async issue(...request) {
      const stop = metrics.credentialsSeconds.startTimer();
      try {
        const grants = await issuer.issue(...request);
        for (const grant of grants)
          metrics.credentials.inc({ code: "refusal" in grant ? grant.refusal.code : "ISSUED" });
        return grants;
      } catch (error) {
        metrics.credentials.inc({ code: toPodroleError(error).code });
        throw error;
      } finally {
        stop();
      }
    },
  };
}

/** As of now, at each scrape. */
export function setConnections(metrics: ServerMetrics, port: string, listener: Pick<Listener, "connections">): void {
  const { open, opened } = listener.connections();
  metrics.connections.set({ port }, open);
  metrics.connectionsOpened.remove({ port });
  metrics.connectionsOpened.inc({ port }, opened);
}
