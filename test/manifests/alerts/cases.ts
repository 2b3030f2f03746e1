// For each alert a scenario in which it fires and a similar one in which it must not. Series are in promtool's notation
// ("0+2x30": starts at 0 and increases by 2, 30 times); one sample per minute.

export interface AlertCase {
  readonly alert: string;
  readonly fires: Scenario & { readonly labels?: Readonly<Record<string, string>> };
  readonly quiet: Scenario & { readonly because: string };
}

interface Scenario {
  readonly series: Readonly<Record<string, string>>;
  /** Minutes after the first sample. */
  readonly at: number;
}

const STS = (code: string) => `podrole_sts_calls_total{job="podrole-server",code="${code}"}`;
const GRANTS = (code: string) => `podrole_credentials_total{job="podrole-server",code="${code}"}`;
const PROOFS = (code: string) => `podrole_certificates_total{job="podrole-server",code="${code}"}`;
const HELD_BACK = (reason: string) => `podrole_sts_held_back_seconds_count{job="podrole-server",reason="${reason}"}`;
const TOP_NAMESPACE = 'podrole_sts_top_namespace_share{job="podrole-server",caller_namespace="shop"}';
const WAITING = 'podrole_sts_calls_waiting{job="podrole-server"}';
const CACHE = (outcome: string) => `podrole_credential_cache_total{job="podrole-server",outcome="${outcome}"}`;
const ADMISSIONS = (decision: string, reason: string) =>
  `podrole_admission_total{job="podrole-webhook",decision="${decision}",reason="${reason}"}`;
const READY = (program: string, instance = "a") => `podrole_ready{job="podrole-${program}",instance="${instance}"}`;
const UP = (program: string, instance = "a") => `up{job="podrole-${program}",instance="${instance}"}`;
const OLDEST_REQUEST = (instance: string) =>
  `podrole_pod_certificate_oldest_request_seconds{job="podrole-server",instance="${instance}"}`;
const SIDECAR = (name: string, pod: string) =>
  `podrole_sidecar_${name}{job="podrole-sidecar",namespace="shop",pod="${pod}"}`;
const buckets = (name: string, counts: Readonly<Record<string, string>>) =>
  Object.fromEntries(Object.entries(counts).map(([le, values]) => [`${name}_bucket{instance="a",le="${le}"}`, values]));

export const CASES: readonly AlertCase[] = [
  {
    alert: "PodroleServerDown",
    fires: {
      series: { [READY("server")]: "1x3 0x20", [READY("server", "b")]: "0x23" },
      at: 10,
    },
    quiet: {
      because: "one of two is ready",
      series: { [READY("server")]: "0x20", [READY("server", "b")]: "1x20" },
      at: 10,
    },
  },
  {
    alert: "PodroleWebhookDown",
    fires: { series: { [READY("server")]: "1x20" }, at: 10 },
    quiet: { because: "it was not ready for a minute", series: { [READY("webhook")]: "1x5 0x1 1x20" }, at: 7 },
  },
  {
    alert: "PodroleReplicaNotReady",
    fires: {
      series: { [READY("webhook")]: "1x30", [UP("webhook", "b")]: "1x5 0x20" },
      at: 20,
      labels: { job: "podrole-webhook", instance: "b" },
    },
    quiet: { because: "a job of another program is down", series: { 'up{job="node",instance="a"}': "0x30" }, at: 20 },
  },
  {
    alert: "PodroleStsUnavailable",
    fires: { series: { [STS("OK")]: "0+1x30", [STS("STS_UNAVAILABLE")]: "0+9x30" }, at: 15 },
    quiet: {
      because: "a tenth fails",
      series: { [STS("OK")]: "0+9x30", [STS("STS_UNAVAILABLE")]: "0+1x30" },
      at: 15,
    },
  },
  {
    alert: "PodroleStsSessionsExpired",
    fires: { series: { [STS("OK")]: "0+9x30", [STS("SESSION_EXPIRED")]: "0+1x30" }, at: 15 },
    quiet: { because: "one session had expired", series: { [STS("SESSION_EXPIRED")]: "0 1x30" }, at: 15 },
  },
  {
    alert: "PodroleStsThrottled",
    fires: { series: { [HELD_BACK("pause")]: "0+5x30", [STS("STS_THROTTLED")]: "0+1x30" }, at: 20 },
    quiet: {
      because: "STS throttled once, and podrole's pause helped",
      series: { [HELD_BACK("pause")]: "0 3x30", [STS("STS_THROTTLED")]: "0 1x30" },
      at: 20,
    },
  },
  {
    alert: "PodroleRateLimited",
    fires: { series: { [HELD_BACK("rate")]: "0+30x30" }, at: 20 },
    quiet: {
      because: "STS throttles, not podrole",
      series: { [HELD_BACK("rate")]: "0x30", [HELD_BACK("pause")]: "0+30x30" },
      at: 20,
    },
  },
  {
    alert: "PodroleStsCrowded",
    fires: {
      series: { [TOP_NAMESPACE]: "0.9x30", [WAITING]: "0x5 40x25", [HELD_BACK("rate")]: "0+30x30" },
      at: 15,
      labels: { caller_namespace: "shop" },
    },
    quiet: {
      because: "no call waits",
      series: { [TOP_NAMESPACE]: "1x30", [WAITING]: "0x30", [HELD_BACK("rate")]: "0x30" },
      at: 15,
    },
  },
  {
    alert: "PodroleRenewalsFail",
    fires: { series: { [CACHE("stale")]: "0+1x40" }, at: 25 },
    quiet: { because: "renewals work", series: { [CACHE("stale")]: "0x40", [CACHE("renewed")]: "0+50x40" }, at: 25 },
  },
  {
    alert: "PodroleStsDenies",
    fires: { series: { [GRANTS("STS_DENIED")]: "0+1x60" }, at: 40 },
    quiet: { because: "one pod was denied once", series: { [GRANTS("STS_DENIED")]: "0x5 1x60" }, at: 21 },
  },
  {
    alert: "PodroleRoleForbiddenAtIssue",
    fires: { series: { [GRANTS("ROLE_FORBIDDEN")]: "0x3 1x30" }, at: 6 },
    quiet: {
      because: "admission refused the role, as expected",
      series: { [GRANTS("ROLE_FORBIDDEN")]: "0x30", [ADMISSIONS("refuse", "ROLE_FORBIDDEN")]: "0+1x30" },
      at: 6,
    },
  },
  {
    alert: "PodroleProofsRejected",
    fires: { series: { [PROOFS("PROOF_REJECTED")]: "0+1x60" }, at: 40 },
    quiet: {
      because: "proofs are accepted",
      series: { [PROOFS("ISSUED")]: "0+20x60", [PROOFS("POD_UNKNOWN")]: "0 2x60" },
      at: 40,
    },
  },
  {
    alert: "PodroleAdmissionFails",
    fires: { series: { [ADMISSIONS("refuse", "KUBERNETES_UNAVAILABLE")]: "0+1x30" }, at: 15 },
    quiet: {
      because: "pods are refused by policy, and requests are malformed or name a namespace that does not exist",
      series: {
        [ADMISSIONS("refuse", "ROLE_FORBIDDEN")]: "0+1x30",
        [ADMISSIONS("refuse", "REQUEST_INVALID")]: "0+1x30",
        'podrole_admission_unreadable_total{status="400"}': "0+1x30",
      },
      at: 15,
    },
  },
  {
    alert: "PodroleAdmissionRefuses",
    fires: {
      series: { [ADMISSIONS("refuse", "ROLE_FORBIDDEN")]: "0+1x80" },
      at: 60,
      labels: { reason: "ROLE_FORBIDDEN" },
    },
    quiet: { because: "pods are skipped, not refused", series: { [ADMISSIONS("skip", "NO_ROLE")]: "0+9x80" }, at: 60 },
  },
  {
    alert: "PodroleAdmissionSlow",
    fires: {
      series: buckets("podrole_admission_duration_seconds", { 1: "0+50x40", 4: "0+100x40", "+Inf": "0+100x40" }),
      at: 30,
    },
    quiet: {
      because: "one in a thousand is slow",
      series: buckets("podrole_admission_duration_seconds", { 1: "0+999x40", 4: "0+1000x40", "+Inf": "0+1000x40" }),
      at: 30,
    },
  },
  {
    alert: "PodroleCredentialsSlow",
    fires: {
      series: buckets("podrole_credentials_duration_seconds", { 4: "0+50x40", 8: "0+100x40", "+Inf": "0+100x40" }),
      at: 30,
    },
    quiet: {
      because: "there are no requests",
      series: buckets("podrole_credentials_duration_seconds", { 4: "5x40", 8: "9x40", "+Inf": "9x40" }),
      at: 30,
    },
  },
  {
    alert: "PodroleWatchStale",
    fires: {
      series: { 'podrole_watch_age_seconds{job="podrole-server",instance="a",resource="pods"}': "0+60x40" },
      at: 30,
      labels: { job: "podrole-server", instance: "a", resource: "pods" },
    },
    quiet: {
      because: "a stalled watch is relisted after ten minutes",
      series: {
        'podrole_watch_age_seconds{job="podrole-server",instance="a",resource="pods"}': "0+60x10 0+60x10 0+60x10",
      },
      at: 30,
    },
  },
  {
    alert: "PodrolePodCertificatesWait",
    fires: {
      series: { [OLDEST_REQUEST("a")]: "0+60x20", [OLDEST_REQUEST("b")]: "0+60x20" },
      at: 8,
    },
    quiet: {
      because: "one of two replicas has the list of requests, and none of them waits",
      series: { [OLDEST_REQUEST("a")]: "0+60x20", [OLDEST_REQUEST("b")]: "0x20" },
      at: 8,
    },
  },
  {
    alert: "PodroleAuthorityExpiring",
    fires: {
      series: { 'podrole_authority_expiry_seconds{instance="a"}': "600000x90" },
      at: 80,
      labels: { instance: "a" },
    },
    quiet: {
      because: "eight days are left",
      series: { 'podrole_authority_expiry_seconds{instance="a"}': "691200x90" },
      at: 80,
    },
  },
  {
    alert: "PodroleAuthorityUnreadable",
    fires: {
      series: { 'podrole_authority_checks_total{instance="a",result="failed"}': "0+30x40" },
      at: 30,
      labels: { instance: "a" },
    },
    quiet: {
      because: "one check failed",
      series: { 'podrole_authority_checks_total{instance="a",result="failed"}': "0 1x40" },
      at: 30,
    },
  },
  {
    alert: "PodroleCaBundleNotWritten",
    fires: {
      series: { 'podrole_ca_bundle_writes_total{instance="a",result="failed"}': "0+30x40" },
      at: 30,
      labels: { instance: "a" },
    },
    quiet: {
      because: "caBundle is already correct",
      series: { 'podrole_ca_bundle_writes_total{instance="a",result="unchanged"}': "0+1x40" },
      at: 30,
    },
  },
  {
    alert: "PodroleServingCertificateExpiring",
    fires: {
      series: { 'podrole_serving_certificate_expiry_seconds{job="podrole-webhook",instance="a"}': "900-60x20" },
      at: 14,
      labels: { job: "podrole-webhook", instance: "a" },
    },
    quiet: {
      because: "it was renewed at half of its lifetime",
      series: {
        'podrole_serving_certificate_expiry_seconds{job="podrole-webhook",instance="a"}': "1900-60x5 3600-60x20",
      },
      at: 14,
    },
  },
  {
    alert: "PodroleSidecarCredentialsExpiring",
    fires: {
      series: {
        [SIDECAR("credentials_expiry_seconds", "a")]: "500-60x20",
        [SIDECAR("credentials_expiry_seconds", "b")]: "1800x20",
      },
      at: 6,
      labels: { namespace: "shop" },
    },
    quiet: {
      because: "sessions of 15 minutes are renewed after half of that time",
      series: { [SIDECAR("credentials_expiry_seconds", "a")]: "900-60x8 900-60x8" },
      at: 9,
    },
  },
  {
    alert: "PodroleSidecarNotReady",
    fires: {
      series: { [SIDECAR("ready", "a")]: "0x30", [SIDECAR("ready", "b")]: "1x30" },
      at: 20,
      labels: { namespace: "shop" },
    },
    quiet: {
      because: "pods start one after the other, each ready in time",
      series: { [SIDECAR("ready", "a")]: "0x3 1x30", [SIDECAR("ready", "b")]: "_x8 0x3 1x20" },
      at: 20,
    },
  },
  {
    alert: "PodroleSidecarRenewalsFail",
    fires: {
      series: { 'podrole_sidecar_renewals_total{namespace="shop",pod="a",outcome="failed"}': "0+1x50" },
      at: 40,
      labels: { namespace: "shop" },
    },
    quiet: {
      because: "the server refuses, which is not a failure to reach it",
      series: {
        'podrole_sidecar_renewals_total{namespace="shop",pod="a",outcome="failed"}': "0x50",
        'podrole_sidecar_renewals_total{namespace="shop",pod="a",outcome="refused"}': "0+1x50",
      },
      at: 40,
    },
  },
];
