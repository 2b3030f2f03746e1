// Rows and panels of the Grafana dashboard as data; dashboard.ts converts them to Grafana's format. Queries use the job
// names of manifests/dashboards/scrape.yaml.

type Unit = "short" | "s" | "ops" | "reqps" | "bytes" | "percentunit";

export interface PanelSpec {
  readonly title: string;
  readonly about: string;
  readonly unit: Unit;
  readonly queries: readonly (readonly [expr: string, legend: string])[];
  readonly stacked?: boolean;
  /** Shows a number instead of a graph; red below `red`, or from `red` on if `high`. */
  readonly stat?: { readonly red: number; readonly high?: boolean };
}

interface RowSpec {
  readonly title: string;
  /** Number of panels per line. */
  readonly across: number;
  readonly height: number;
  readonly panels: readonly PanelSpec[];
}

const SERVER_JOB = 'job="podrole-server"';
const WEBHOOK_JOB = 'job="podrole-webhook"';
const RATE_INTERVAL = "$__rate_interval";

function quantileQueries(metric: string, name: string): readonly (readonly [string, string])[] {
  return [0.5, 0.99].map((quantile) => [
    `histogram_quantile(${quantile}, sum by (le) (rate(${metric}_bucket[${RATE_INTERVAL}])))`,
    `${name} p${quantile * 100}`,
  ]);
}

export const DASHBOARD_ROWS: readonly RowSpec[] = [
  {
    title: "At a glance",
    across: 8,
    height: 4,
    panels: [
      {
        title: "Servers ready",
        about: "Replicas whose /readyz returns 200.",
        unit: "short",
        stat: { red: 1 },
        queries: [[`sum(podrole_ready{${SERVER_JOB}})`, ""]],
      },
      {
        title: "Webhooks ready",
        about:
          "Replicas whose /readyz returns 200. While none is ready, no pods can be created in labelled namespaces.",
        unit: "short",
        stat: { red: 1 },
        queries: [[`sum(podrole_ready{${WEBHOOK_JOB}})`, ""]],
      },
      {
        title: "Sidecars ready",
        about: "Sidecars, among those that Prometheus scrapes, that have credentials.",
        unit: "short",
        stat: { red: 0 },
        queries: [["sum(podrole_sidecar_ready)", ""]],
      },
      {
        title: "First expiry of a pod",
        about: "Time until the first credentials of any pod expire. Renewal starts after half of a session's lifetime.",
        unit: "s",
        stat: { red: 0 },
        queries: [["min(podrole_sidecar_credentials_expiry_seconds)", ""]],
      },
      {
        title: "CA expires in",
        about: "Time until the CA expires. The next CA starts to sign after five sixths of this CA's lifetime.",
        unit: "s",
        stat: { red: 7 * 86_400 },
        queries: [["min(podrole_authority_expiry_seconds)", ""]],
      },
      {
        title: "Refused pods, 1 h",
        about: "Pods that the webhook refused at admission. The client that creates such a pod receives the reason.",
        unit: "short",
        stat: { red: 100, high: true },
        queries: [['round(sum(increase(podrole_admission_total{decision="refuse"}[1h])))', ""]],
      },
      {
        title: "STS failures",
        about: "Share of AssumeRole calls that fail (code other than OK).",
        unit: "percentunit",
        stat: { red: 0.1, high: true },
        queries: [
          [
            `sum(rate(podrole_sts_calls_total{code!="OK"}[${RATE_INTERVAL}])) / sum(rate(podrole_sts_calls_total[${RATE_INTERVAL}]))`,
            "",
          ],
        ],
      },
      {
        title: "Alerts firing",
        about: "Firing alerts of podrole's alerting rules (alerts.yaml).",
        unit: "short",
        stat: { red: 1, high: true },
        queries: [['count(ALERTS{alertname=~"Podrole.*", alertstate="firing"}) or vector(0)', ""]],
      },
    ],
  },
  {
    title: "Admission",
    across: 3,
    height: 8,
    panels: [
      {
        title: "Decisions",
        about: "Admission decisions for pods, by decision and reason.",
        unit: "ops",
        stacked: true,
        queries: [
          [
            `sum by (decision, reason) (rate(podrole_admission_total[${RATE_INTERVAL}])) > 0`,
            "{{decision}} {{reason}}",
          ],
        ],
      },
      {
        title: "Admission latency",
        about: "Time to decide about a pod. The API server times out after 5 s.",
        unit: "s",
        queries: quantileQueries("podrole_admission_duration_seconds", "admission"),
      },
      {
        title: "Live reads and unreadable requests",
        about:
          "read: namespaces and ServiceAccounts read from the API server, because the object was not cached or led to the decision skip or refuse. unreadable: requests that are not a readable AdmissionReview, by HTTP status.",
        unit: "ops",
        queries: [
          [`sum by (resource) (rate(podrole_admission_live_reads_total[${RATE_INTERVAL}]))`, "read {{resource}}"],
          [`sum by (status) (rate(podrole_admission_unreadable_total[${RATE_INTERVAL}]))`, "unreadable {{status}}"],
        ],
      },
    ],
  },
  {
    title: "Certificates and credentials",
    across: 3,
    height: 8,
    panels: [
      {
        title: "Credentials issued",
        about: "Credential requests, counted for each container, by result.",
        unit: "ops",
        stacked: true,
        queries: [[`sum by (code) (rate(podrole_credentials_total[${RATE_INTERVAL}])) > 0`, "{{code}}"]],
      },
      {
        title: "Certificates issued",
        about: "Certificate requests of pods and of the webhook, by result.",
        unit: "ops",
        stacked: true,
        queries: [[`sum by (code) (rate(podrole_certificates_total[${RATE_INTERVAL}])) > 0`, "{{code}}"]],
      },
      {
        title: "Pod certificates",
        about:
          "PodCertificateRequests, by result, and those that wait; only with --pod-certificates=on. ANSWERED: another replica was faster.",
        unit: "ops",
        queries: [
          [`sum by (code) (rate(podrole_pod_certificate_requests_total[${RATE_INTERVAL}])) > 0`, "{{code}}"],
          ["max(podrole_pod_certificate_requests_waiting) > 0", "waiting"],
        ],
      },
      {
        title: "Server latency",
        about:
          "credentials: answered from memory or with an AssumeRole call. certificate: answered after a TokenReview and a look-up of the pod.",
        unit: "s",
        queries: [
          ...quantileQueries("podrole_credentials_duration_seconds", "credentials"),
          ...quantileQueries("podrole_certificate_duration_seconds", "certificate"),
        ],
      },
    ],
  },
  {
    title: "STS",
    across: 3,
    height: 8,
    panels: [
      {
        title: "AssumeRole calls",
        about: "AssumeRole calls, by result.",
        unit: "ops",
        stacked: true,
        queries: [[`sum by (code) (rate(podrole_sts_calls_total[${RATE_INTERVAL}])) > 0`, "{{code}}"]],
      },
      {
        title: "STS latency",
        about: "Duration of AssumeRole calls.",
        unit: "s",
        queries: quantileQueries("podrole_sts_duration_seconds", "AssumeRole"),
      },
      {
        title: "Delayed calls",
        about:
          "Calls to STS that the server refused, with a time to retry. rate: --sts-rate is reached. pause: STS throttled earlier calls.",
        unit: "ops",
        queries: [[`sum by (reason) (rate(podrole_sts_held_back_seconds_count[${RATE_INTERVAL}]))`, "{{reason}}"]],
      },
      {
        title: "Credential cache results",
        about:
          "Look-ups, by outcome. stale: the renewal failed, so the server returned the cached credentials, which were still valid.",
        unit: "ops",
        stacked: true,
        queries: [[`sum by (outcome) (rate(podrole_credential_cache_total[${RATE_INTERVAL}]))`, "{{outcome}}"]],
      },
      {
        title: "Sessions in memory",
        about:
          "Entries of the credential cache, by replica, and calls to STS that are in flight or wait for their turn.",
        unit: "short",
        queries: [
          ["podrole_credential_cache_entries", "{{instance}}"],
          ["sum(podrole_sts_calls_in_flight)", "in flight"],
          ["sum(podrole_sts_calls_waiting)", "waiting"],
        ],
      },
      {
        title: "Namespace with most calls",
        about: "The namespace that needs most AssumeRole calls, by replica, and its share of all of them.",
        unit: "percentunit",
        queries: [["max by (caller_namespace) (podrole_sts_top_namespace_share)", "{{caller_namespace}}"]],
      },
      {
        title: "Events on pods",
        about: "Events, by reason. The server records at most one Event for each pod and reason in ten minutes.",
        unit: "ops",
        queries: [[`sum by (code) (rate(podrole_events_total[${RATE_INTERVAL}]))`, "{{code}}"]],
      },
    ],
  },
  {
    title: "Sidecars",
    across: 3,
    height: 8,
    panels: [
      {
        title: "Responses to SDKs",
        about: "Responses of the credentials endpoint, by code. OK: the response contained credentials.",
        unit: "reqps",
        stacked: true,
        queries: [[`sum by (code) (rate(podrole_sidecar_requests_total[${RATE_INTERVAL}])) > 0`, "{{code}}"]],
      },
      {
        title: "SDK request latency",
        about:
          "Time to answer a request of an SDK. SDKs time out after 1 s; while the sidecar has no credentials, it holds a request for up to 0.9 s.",
        unit: "s",
        queries: quantileQueries("podrole_sidecar_request_duration_seconds", "answer"),
      },
      {
        title: "Renewals",
        about: "Renewals, by outcome. failed: no usable answer from the server. refused: the server refused.",
        unit: "ops",
        queries: [[`sum by (outcome) (rate(podrole_sidecar_renewals_total[${RATE_INTERVAL}]))`, "{{outcome}}"]],
      },
    ],
  },
  {
    title: "Expiry and freshness",
    across: 3,
    height: 8,
    panels: [
      {
        title: "Pods: nearest expiry",
        about: "Time until the first credentials and the first certificate of any sidecar expire.",
        unit: "s",
        queries: [
          ["min(podrole_sidecar_credentials_expiry_seconds)", "credentials"],
          ["min(podrole_sidecar_certificate_expiry_seconds)", "certificates"],
        ],
      },
      {
        title: "Programs: expiry",
        about:
          "Time until the first serving certificate expires, by program. Renewal starts after half of a certificate's lifetime.",
        unit: "s",
        queries: [["min by (job) (podrole_serving_certificate_expiry_seconds)", "{{job}}"]],
      },
      {
        title: "Age of watches",
        about:
          "Time since the API server last confirmed a cache. It confirms each cache every minute with a bookmark, and every ten minutes with a new list.",
        unit: "s",
        queries: [["max by (job) (podrole_watch_age_seconds)", "oldest, {{job}}"]],
      },
    ],
  },
  {
    title: "Programs",
    across: 3,
    height: 8,
    panels: [
      {
        title: "Connections",
        about:
          "Connections of sidecars and webhooks, by port. Sidecars connect when they call the server, and close idle connections.",
        unit: "short",
        queries: [
          ["sum by (port) (podrole_connections)", "open, {{port}}"],
          [`sum by (port) (rate(podrole_connections_opened_total[${RATE_INTERVAL}]))`, "opened per second, {{port}}"],
        ],
      },
      {
        title: "Memory",
        about: "Resident memory, by replica.",
        unit: "bytes",
        queries: [[`process_resident_memory_bytes{job=~"podrole-(server|webhook)"}`, "{{job}} {{instance}}"]],
      },
      {
        title: "CPU and event loop",
        about: "cores: CPU cores in use. lag: 99th percentile of the event loop's lag, in seconds.",
        unit: "short",
        queries: [
          [
            `sum by (job) (rate(process_cpu_seconds_total{job=~"podrole-(server|webhook)"}[${RATE_INTERVAL}]))`,
            "cores, {{job}}",
          ],
          [`max by (job) (nodejs_eventloop_lag_p99_seconds{job=~"podrole-(server|webhook)"})`, "lag, {{job}}"],
        ],
      },
    ],
  },
];
