// Every metric of kiam 4.2 and kube2iam 0.15, and the metrics of podrole that replace it. docs/metrics.md is generated
// from this table; the generation fails for a name that podrole does not have.

export interface ReplacedMetric {
  readonly old: string;
  /** Names of podrole's metrics; empty if there is none, and then `note` gives the reason. */
  readonly now: readonly string[];
  readonly note: string;
}

const SIDECAR_SECONDS = "podrole_sidecar_request_duration_seconds";
const SIDECAR_REQUESTS = "podrole_sidecar_requests_total";
const CREDENTIALS_METRIC = "podrole_credentials_total";
const CACHE_METRIC = "podrole_credential_cache_total";
const SERVING_EXPIRY = "podrole_serving_certificate_expiry_seconds";

export const REPLACED_METRICS: readonly ReplacedMetric[] = [
  {
    old: "kiam_metadata_handler_latency_seconds{handler}",
    now: [SIDECAR_SECONDS, "podrole_credentials_duration_seconds"],
    note: "podrole has one metric for the sidecar, which answers from memory, and one for the server",
  },
  {
    old: "kiam_metadata_credential_fetch_errors_total{handler}",
    now: [SIDECAR_REQUESTS, CREDENTIALS_METRIC],
    note: "errors are the series with a code other than OK and ISSUED; the code names the error",
  },
  {
    old: "kiam_metadata_credential_encode_errors_total{handler}",
    now: [],
    note: "the sidecar encodes answers at each renewal, so encoding cannot fail during a request",
  },
  {
    old: "kiam_metadata_find_role_errors_total{handler}",
    now: ["podrole_certificates_total", CREDENTIALS_METRIC],
    note: '`code="POD_UNKNOWN"` counts requests for which no pod was found',
  },
  {
    old: "kiam_metadata_empty_role_total{handler}",
    now: ["podrole_admission_total", CREDENTIALS_METRIC],
    note: 'pods without a role have `reason="NO_ROLE"` at admission, and `code="ROLE_MISSING"` when credentials are issued',
  },
  { old: "kiam_metadata_success_total{handler}", now: [SIDECAR_REQUESTS], note: '`code="OK"`' },
  {
    old: "kiam_metadata_responses_total{handler,code}",
    now: [SIDECAR_REQUESTS],
    note: "the label `code` is podrole's error code, not the HTTP status",
  },
  {
    old: "kiam_metadata_proxy_requests_blocked_total",
    now: [],
    note: "podrole does not proxy the instance metadata service; NetworkPolicies block it (docs/install.md)",
  },
  { old: "kiam_sts_cacheSize", now: ["podrole_credential_cache_entries"], note: "" },
  { old: "kiam_sts_cache_hit_total", now: [CACHE_METRIC], note: '`outcome="hit"`' },
  {
    old: "kiam_sts_cache_miss_total",
    now: [CACHE_METRIC],
    note: '`outcome="miss"`; renewals have `outcome="renewed"`',
  },
  {
    old: "kiam_sts_issuing_errors_total",
    now: ["podrole_sts_calls_total"],
    note: "errors are the series with a code other than OK",
  },
  { old: "kiam_sts_assumerole_timing_seconds", now: ["podrole_sts_duration_seconds"], note: "" },
  { old: "kiam_sts_assumerole_current", now: ["podrole_sts_calls_in_flight"], note: "" },
  {
    old: "kiam_k8s_dropped_pods_total",
    now: ["podrole_sts_held_back_seconds"],
    note: "podrole has no queue of pods: it fetches credentials when a pod gets its certificate. Calls to STS wait for their turn (`podrole_sts_calls_waiting`) for up to 5 s; a call that is dropped is retried",
  },
  {
    old: "grpc_{client,server}_tls_certificate_update_error",
    now: ["podrole_authority_checks_total", "podrole_serving_certificate_renewals_total"],
    note: 'failures have `result="failed"`; failures of pods are in `podrole_sidecar_renewals_total`',
  },
  {
    old: "grpc_{client,server}_tls_certificate_verify_error",
    now: ["podrole_certificates_total", "podrole_connections_opened_total"],
    note: "if TLS rejects a certificate, the connection is counted as opened, but no call is counted; the sidecar logs the cause",
  },
  {
    old: "grpc_{client,server}_tls_certificate_expiry_seconds",
    now: [SERVING_EXPIRY, "podrole_authority_expiry_seconds", "podrole_sidecar_certificate_expiry_seconds"],
    note: "the value is the number of seconds that remain, not a time",
  },
  {
    old: "grpc_server_{started,handled}_total{grpc_method,grpc_code}",
    now: ["podrole_certificates_total", CREDENTIALS_METRIC],
    note: "podrole has one metric for each method; the label `code` is its own error code",
  },
  {
    old: "grpc_server_msg_{received,sent}_total",
    now: ["podrole_certificate_duration_seconds", "podrole_credentials_duration_seconds"],
    note: "all calls are unary, so `_count` of these metrics is the number of messages",
  },
  {
    old: "grpc_client_{started,handled,msg_received,msg_sent}_total",
    now: ["podrole_sidecar_renewals_total", "podrole_sidecar_renewal_duration_seconds"],
    note: "the client is the sidecar, and it calls the server only to renew",
  },
  {
    old: "kube2iam_iam_request_duration_seconds{code,role_arn}",
    now: ["podrole_sts_duration_seconds", "podrole_sts_calls_total"],
    note: "podrole has no label role_arn, because pod authors control its values; the audit log contains the role",
  },
  {
    old: "kube2iam_iam_cache_hits_total{role_arn}",
    now: [CACHE_METRIC],
    note: '`outcome="hit"`; an answer with a cached error has `outcome="failed"`',
  },
  {
    old: "kube2iam_iam_k8s_dup_req_count",
    now: [],
    note: "a pod proves its identity with its token; podrole looks up no IP address, so no address can be ambiguous",
  },
  { old: "kube2iam_iam_k8s_dup_req_success_count", now: [], note: "as for kube2iam_iam_k8s_dup_req_count" },
  {
    old: "kube2iam_iam_k8s_pod_not_in_pod_cache",
    now: [CREDENTIALS_METRIC, "podrole_watch_age_seconds"],
    note: '`code="POD_UNKNOWN"`; if a pod is missing from the watch cache, the server first reads it from the API server',
  },
  {
    old: "kube2iam_http_request_duration_seconds{code,method,handler}",
    now: [SIDECAR_SECONDS, "podrole_admission_duration_seconds"],
    note: "",
  },
  { old: "kube2iam_healthcheck_status", now: ["podrole_ready", "podrole_sidecar_ready"], note: "" },
  {
    old: "kube2iam_info{version,build_date,commit_hash}",
    now: ["podrole_build_info"],
    note: "the labels are the versions of podrole and of Node; builds are reproducible, so they have no date",
  },
];
