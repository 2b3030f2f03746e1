// Publishes the trust bundle as a ClusterTrustBundle (Kubernetes 1.37), beside ConfigMap podrole-trust: pods with a pod
// certificate mount it, so that a rotation of the CA reaches them without a request of theirs.
// States: running (writes each minute if the object differs, 5 s after a failure, and at once after checkNow()) →
// stopped (stop()). A failure is a warning; pods keep the bundle that they have. Nothing removes the object, because an
// object without a namespace cannot be owned by a ServiceAccount.
import type { Kubernetes } from "../../kubernetes/api.ts";
import { POD_BUNDLE_NAME, POD_SIGNER_NAME } from "../../protocol/pod-certificates.ts";
import { type Clock, MINUTE_MS, repeat, SECOND_MS } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import { createSampler, sampledFields } from "../../runtime/sampler.ts";

const BUNDLE_CHECK_INTERVAL_MS = MINUTE_MS;
const BUNDLE_RETRY_DELAY_MS = 5 * SECOND_MS;

/** Keeps the ClusterTrustBundle current. */
export interface ClusterTrustBundlePublisher {
  /** Writes at once instead of at the next minute. */
  checkNow(): void;
  stop(): Promise<void>;
}

/** Starts to publish what `bundlePem` returns. */
export function startClusterTrustBundle({
  kubernetes,
  clock,
  log,
  bundlePem,
}: {
  readonly kubernetes: Pick<Kubernetes, "putClusterTrustBundle">;
  readonly clock: Clock;
  readonly log: Log;
  readonly bundlePem: () => string;
}): ClusterTrustBundlePublisher {
  const stopped = new AbortController();
  const sampler = createSampler({ clock }, { most: 1 });

  const { wake, ended } = repeat({ clock, signal: stopped.signal }, async () => {
    try {
      await kubernetes.putClusterTrustBundle(POD_BUNDLE_NAME, POD_SIGNER_NAME, bundlePem());
      return BUNDLE_CHECK_INTERVAL_MS;
    } catch (error) {
      const omitted = sampler.take("failed");
      const fields = { err: error, clusterTrustBundle: POD_BUNDLE_NAME };
      if (omitted !== undefined) {
        log.warn({ ...fields, ...sampledFields(omitted) }, "could not publish the trust bundle for pod certificates");
      }
      return BUNDLE_RETRY_DELAY_MS;
    }
  });
  return {
    checkNow: wake,
    async stop() {
      stopped.abort();
      await ended;
    },
  };
}
