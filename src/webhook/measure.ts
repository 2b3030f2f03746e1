// Metrics of the use case and of its live reads, as decorators: neither contains any code for metrics.
import type { Metrics } from "../runtime/metrics.ts";
import type { Admit } from "./admit.ts";
import type { ClusterReader } from "./lookups.ts";
import type { WEBHOOK_METRICS } from "./metrics.ts";

/** Metrics of WEBHOOK_METRICS. */
export type WebhookMetrics = Metrics<typeof WEBHOOK_METRICS>;

/** Returns the same use case, which also counts decisions by reason and observes their duration. */
export function measureAdmission(admit: Admit, metrics: WebhookMetrics): Admit {
  return async (request) => {
    const stop = metrics.admissionSeconds.startTimer();
    const admission = await admit(request);
    stop();
    metrics.admissions.inc({ decision: admission.decision, reason: admission.reason });
    return admission;
  };
}

/** Returns the same reader, which also counts live reads. */
export function measureReads(cluster: ClusterReader, metrics: WebhookMetrics): ClusterReader {
  return {
    ...cluster,
    readNamespace(name) {
      metrics.liveReads.inc({ resource: "namespaces" });
      return cluster.readNamespace(name);
    },
    readServiceAccount(namespace, name) {
      metrics.liveReads.inc({ resource: "serviceaccounts" });
      return cluster.readServiceAccount(namespace, name);
    },
  };
}
