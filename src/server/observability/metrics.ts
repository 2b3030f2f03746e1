// Every series of the server; docs/metrics.md is generated from this table.
import { COMMON_METRICS, connectionsClosed, type Metrics, type MetricTable } from "../../runtime/metrics.ts";

/** Table of the server's metrics. A key is the name in code; `name` is the name that Prometheus sees. */
export const SERVER_METRICS = {
  ...COMMON_METRICS,
  certificates: {
    type: "counter",
    name: "podrole_certificates_total",
    help: "Certificate requests, by result: ISSUED or an error code of docs/errors.md",
    labels: ["code"],
    from: ["ISSUED", "PROOF_REJECTED", "POD_UNKNOWN", "KUBERNETES_UNAVAILABLE", "AUTHORITY_UNAVAILABLE", "INTERNAL"],
  },
  certificateSeconds: {
    type: "histogram",
    name: "podrole_certificate_duration_seconds",
    help: "Time to answer a certificate request, including TokenReview and pod look-up, in seconds",
  },
  podCertificates: {
    type: "counter",
    name: "podrole_pod_certificate_requests_total",
    help: "Attempts to answer a PodCertificateRequest, with --pod-certificates=on, by result: ISSUED, ANSWERED (another replica was faster, or the request is gone), or the error code of docs/errors.md with which it was denied or for which it is tried again",
    labels: ["code"],
    from: ["ISSUED", "ANSWERED", "POD_NOT_INJECTED", "KUBERNETES_UNAVAILABLE", "AUTHORITY_UNAVAILABLE"],
  },
  podCertificatesWaiting: {
    type: "gauge",
    name: "podrole_pod_certificate_requests_waiting",
    help: "PodCertificateRequests that no signer has answered yet",
  },
  podCertificatesOldest: {
    type: "gauge",
    name: "podrole_pod_certificate_oldest_request_seconds",
    help: "For how long the server has known the oldest PodCertificateRequest without an answer, in seconds; 0 without one",
  },
  credentials: {
    type: "counter",
    name: "podrole_credentials_total",
    help: "Credential requests, counted for each container, by result: ISSUED or an error code of docs/errors.md",
    labels: ["code"],
    from: ["ISSUED", "ROLE_FORBIDDEN", "STS_DENIED", "STS_THROTTLED", "STS_UNAVAILABLE", "INTERNAL"],
  },
  credentialsSeconds: {
    type: "histogram",
    name: "podrole_credentials_duration_seconds",
    help: "Time to answer a pod's credential request for all of its containers, in seconds",
  },
  cache: {
    type: "counter",
    name: "podrole_credential_cache_total",
    help: "Look-ups in the credential cache, by outcome: hit, miss, renewed, stale (the renewal failed and the cached session was still valid) or failed",
    labels: ["outcome"],
    from: ["hit", "miss", "renewed", "stale", "failed"],
  },
  cacheSize: {
    type: "gauge",
    name: "podrole_credential_cache_entries",
    help: "Entries of the credential cache: sessions and remembered failures. Without calling STS, the server repeats a denial for up to 2 minutes (its entry stays 6 minutes longer) and another failure for up to 30 s",
  },
  nearestExpiry: {
    type: "gauge",
    name: "podrole_credential_nearest_expiry_seconds",
    help: "Seconds until the first cached session expires; negative if it has expired and its renewal fails; +Inf while no session is cached",
  },
  stsCalls: {
    type: "counter",
    name: "podrole_sts_calls_total",
    help: "AssumeRole calls, by result: OK or an error code of docs/errors.md",
    labels: ["code"],
    from: ["OK", "STS_DENIED", "STS_INVALID", "STS_THROTTLED", "STS_UNAVAILABLE", "SESSION_EXPIRED"],
  },
  stsSeconds: {
    type: "histogram",
    name: "podrole_sts_duration_seconds",
    help: "Duration of one AssumeRole call, in seconds",
  },
  stsInFlight: {
    type: "gauge",
    name: "podrole_sts_calls_in_flight",
    help: "AssumeRole calls that STS has not answered yet",
  },
  stsLimited: {
    type: "histogram",
    name: "podrole_sts_held_back_seconds",
    help: "For each AssumeRole call that the limiter rejected, how long the caller must wait before it retries, in seconds, by reason: rate (--sts-rate is reached) or pause (STS throttled earlier calls)",
    labels: ["reason"],
    from: ["rate", "pause"],
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30],
  },
  stsWaiting: {
    type: "gauge",
    name: "podrole_sts_calls_waiting",
    help: "AssumeRole calls that wait for their turn because --sts-rate is reached; namespaces take turns, and within a namespace its pods",
  },
  stsTopNamespace: {
    type: "gauge",
    name: "podrole_sts_top_namespace_share",
    help: "Share (0 to 1) of AssumeRole calls, including refused ones, that belong to the namespace with the most calls in the last 1 to 2 minutes; there is one series, whose label caller_namespace names that namespace, or none if there were no calls",
    labels: ["caller_namespace"],
  },
  connections: {
    type: "gauge",
    name: "podrole_connections",
    help: "Open connections of sidecars and webhooks, by port: identity or credentials",
    labels: ["port"],
  },
  connectionsOpened: {
    type: "counter",
    name: "podrole_connections_opened_total",
    help: "Accepted connections, by port: identity or credentials",
    labels: ["port"],
    from: ["identity", "credentials"],
  },
  connectionsClosed: connectionsClosed(["identity", "credentials", "pages", "state"]),
  events: {
    type: "counter",
    name: "podrole_events_total",
    help: "Events recorded on pods, by reason, which is an error code of docs/errors.md; and on owners of pods whose role has no effect, by the skip reason of docs/troubleshoot.md",
    labels: ["code"],
  },
  authorityExpiry: {
    type: "gauge",
    name: "podrole_authority_expiry_seconds",
    help: "Seconds until the certificate of the signing CA expires",
  },
  authorityChecks: {
    type: "counter",
    name: "podrole_authority_checks_total",
    help: "Checks of the CA and of the published trust bundle, one per minute, by result: ok or failed",
    labels: ["result"],
    from: ["ok", "failed"],
  },
  servingExpiry: {
    type: "gauge",
    name: "podrole_serving_certificate_expiry_seconds",
    help: "Seconds until the server's own serving certificate expires",
  },
  caBundleWrites: {
    type: "counter",
    name: "podrole_ca_bundle_writes_total",
    help: "Attempts to write the trust bundle to the webhook configuration, by result: changed, unchanged or failed",
    labels: ["result"],
    from: ["changed", "unchanged", "failed"],
  },
} as const satisfies MetricTable;

/** The server's metrics as createMetrics() returns them. */
export type ServerMetrics = Metrics<typeof SERVER_METRICS>;
