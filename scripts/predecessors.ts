// Every series that kiam 4.2 and kube2iam 0.15 export, and what answers its question in podrole. docs/metrics.md is
// generated from this; a name that podrole does not have fails the generation.

export interface Predecessor {
  readonly old: string;
  /** Names of podrole's series; empty when there is none, and `note` says why. */
  readonly now: readonly string[];
  readonly note: string;
}

const SIDECAR_SECONDS = "podrole_sidecar_request_duration_seconds";
const SIDECAR_REQUESTS = "podrole_sidecar_requests_total";
const GRANTS = "podrole_credentials_total";
const CACHE = "podrole_credential_cache_total";
const SERVING_EXPIRY = "podrole_serving_certificate_expiry_seconds";

export const PREDECESSORS: readonly Predecessor[] = [
  {
    old: "kiam_metadata_handler_latency_seconds{handler}",
    now: [SIDECAR_SECONDS, "podrole_credentials_duration_seconds"],
    note: "the sidecar answers from memory; the server's own share is the second",
  },
  {
    old: "kiam_metadata_credential_fetch_errors_total{handler}",
    now: [SIDECAR_REQUESTS, GRANTS],
    note: "every code but OK and ISSUED; the code says what failed",
  },
  {
    old: "kiam_metadata_credential_encode_errors_total{handler}",
    now: [],
    note: "replies are encoded once at each renewal, and cannot fail in a request",
  },
  {
    old: "kiam_metadata_find_role_errors_total{handler}",
    now: ["podrole_certificates_total", GRANTS],
    note: 'a pod that is not found is `code="POD_UNKNOWN"`',
  },
  {
    old: "kiam_metadata_empty_role_total{handler}",
    now: ["podrole_admission_total", GRANTS],
    note: '`reason="NO_ROLE"` at admission, `code="ROLE_MISSING"` at issue',
  },
  { old: "kiam_metadata_success_total{handler}", now: [SIDECAR_REQUESTS], note: '`code="OK"`' },
  {
    old: "kiam_metadata_responses_total{handler,code}",
    now: [SIDECAR_REQUESTS],
    note: "by podrole's code, not HTTP's",
  },
  {
    old: "kiam_metadata_proxy_requests_blocked_total",
    now: [],
    note: "podrole proxies no instance metadata: NetworkPolicies block it (docs/install.md)",
  },
  { old: "kiam_sts_cacheSize", now: ["podrole_credential_cache_entries"], note: "" },
  { old: "kiam_sts_cache_hit_total", now: [CACHE], note: '`outcome="hit"`' },
  { old: "kiam_sts_cache_miss_total", now: [CACHE], note: '`outcome="miss"`; renewals are counted apart' },
  { old: "kiam_sts_issuing_errors_total", now: ["podrole_sts_calls_total"], note: "every code but OK" },
  { old: "kiam_sts_assumerole_timing_seconds", now: ["podrole_sts_duration_seconds"], note: "" },
  { old: "kiam_sts_assumerole_current", now: ["podrole_sts_calls_in_flight"], note: "" },
  {
    old: "kiam_k8s_dropped_pods_total",
    now: ["podrole_sts_held_back_seconds"],
    note: "no queue of pods that could overflow: fetching ahead starts with the pod's certificate; what is held back is STS calls",
  },
  {
    old: "grpc_{client,server}_tls_certificate_update_error",
    now: ["podrole_authority_looks_total", "podrole_serving_certificate_renewals_total"],
    note: '`result="failed"`; pods: `podrole_sidecar_renewals_total`',
  },
  {
    old: "grpc_{client,server}_tls_certificate_verify_error",
    now: ["podrole_certificates_total", "podrole_connections_opened_total"],
    note: "a certificate that TLS refuses ends as a connection without a call; the sidecar logs the cause",
  },
  {
    old: "grpc_{client,server}_tls_certificate_expiry_seconds",
    now: [SERVING_EXPIRY, "podrole_authority_expiry_seconds", "podrole_sidecar_certificate_expiry_seconds"],
    note: "seconds that are left, not a point in time",
  },
  {
    old: "grpc_server_{started,handled}_total{grpc_method,grpc_code}",
    now: ["podrole_certificates_total", GRANTS],
    note: "one series a method, by podrole's code",
  },
  {
    old: "grpc_server_msg_{received,sent}_total",
    now: ["podrole_certificate_duration_seconds", "podrole_credentials_duration_seconds"],
    note: "calls are unary: their `_count` is the number of messages",
  },
  {
    old: "grpc_client_{started,handled,msg_received,msg_sent}_total",
    now: ["podrole_sidecar_renewals_total", "podrole_sidecar_renewal_duration_seconds"],
    note: "the sidecar is the client, and a renewal its only call",
  },
  {
    old: "kube2iam_iam_request_duration_seconds{code,role_arn}",
    now: ["podrole_sts_duration_seconds", "podrole_sts_calls_total"],
    note: "without role_arn, which pods' authors write; the audit has it",
  },
  {
    old: "kube2iam_iam_cache_hits_total{role_arn}",
    now: [CACHE],
    note: "an error that is remembered counts as failed",
  },
  {
    old: "kube2iam_iam_k8s_dup_req_count",
    now: [],
    note: "a pod proves itself by its token: no address is looked up, none can be ambiguous",
  },
  { old: "kube2iam_iam_k8s_dup_req_success_count", now: [], note: "as above" },
  {
    old: "kube2iam_iam_k8s_pod_not_in_pod_cache",
    now: [GRANTS, "podrole_watch_age_seconds"],
    note: '`code="POD_UNKNOWN"`; a pod that the watch does not have is read live first',
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
    note: "version and Node's version; builds are reproducible and have no date",
  },
];
