// Metrics around the use case: decorators of one shape each, so that it does not know that it is measured.
import type { Metrics } from "../runtime/metrics.ts";
import type { Admit } from "./admit.ts";
import type { ClusterReader } from "./lookups.ts";
import type { WEBHOOK_METRICS } from "./metrics.ts";

type WebhookMetrics = Metrics<typeof WEBHOOK_METRICS>;

export function measureAdmission(admit: Admit, metrics: WebhookMetrics): Admit {
  return async (request) => {
    const stop = metrics.admissionSeconds.startTimer();
    const admission = await admit(request);
    stop();
    metrics.admissions.inc({ decision: admission.decision, reason: admission.reason });
    return admission;
  };
}

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
