// Every metric of the webhook; docs/metrics.md is generated from this table.
import { COMMON_METRICS, connectionsClosed, type MetricTable } from "../runtime/metrics.ts";

/** Table of the webhook's metrics. A key is the name in code; `name` is the name that Prometheus sees. */
export const WEBHOOK_METRICS = {
  ...COMMON_METRICS,
  connectionsClosed: connectionsClosed(["webhook", "pages"]),
  admissions: {
    type: "counter",
    name: "podrole_admission_total",
    help: "Admission requests, by decision (inject, skip or refuse) and by reason: INJECTED, ALREADY_INJECTED, a skip reason of docs/troubleshoot.md, or an error code of docs/errors.md",
    labels: ["decision", "reason"],
    from: [
      { decision: "inject", reason: "INJECTED" },
      { decision: "refuse", reason: "ROLE_FORBIDDEN" },
      { decision: "refuse", reason: "KUBERNETES_UNAVAILABLE" },
      { decision: "refuse", reason: "INTERNAL" },
    ],
  },
  admissionSeconds: {
    type: "histogram",
    name: "podrole_admission_duration_seconds",
    help: "Time to decide about a pod, including live reads, in seconds",
  },
  unreadable: {
    type: "counter",
    name: "podrole_admission_unreadable_total",
    help: "Requests to /mutate that are not a readable AdmissionReview, by HTTP status of the response (status 200 is a denial with the request's uid)",
    labels: ["status"],
    from: ["400", "500"],
  },
  rejectedCallers: {
    type: "counter",
    name: "podrole_admission_callers_rejected_total",
    help: "Connections and requests to /mutate that were rejected because the caller did not prove that it is the API server (--api-server-ca), by reason: OpenSSL's code for a connection, podrole's error code for a request",
    labels: ["reason"],
    from: ["CERTIFICATE_REJECTED"],
  },
  liveReads: {
    type: "counter",
    name: "podrole_admission_live_reads_total",
    help: "Namespaces and ServiceAccounts read from the API server, because the object was not cached or because the cached object led to the decision skip or refuse",
    labels: ["resource"],
    from: ["namespaces", "serviceaccounts"],
  },
  servingRenewals: {
    type: "counter",
    name: "podrole_serving_certificate_renewals_total",
    help: "Attempts to get a serving certificate from the server, by result: ok or failed",
    labels: ["result"],
    from: ["ok", "failed"],
  },
  servingExpiry: {
    type: "gauge",
    name: "podrole_serving_certificate_expiry_seconds",
    help: "Seconds until the webhook's own serving certificate expires",
  },
} as const satisfies MetricTable;
