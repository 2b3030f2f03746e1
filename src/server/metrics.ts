// Every series of the server; docs/metrics.md is generated from this table.
import type { MetricTable } from "../runtime/metrics.ts";

export const SERVER_METRICS = {
  certificates: {
    type: "counter",
    name: "podrole_certificates_total",
    help: "Certificates asked for, by result: ISSUED or a code of docs/errors.md",
    labels: ["code"],
  },
  certificateSeconds: {
    type: "histogram",
    name: "podrole_certificate_duration_seconds",
    help: "Time to answer a request for a certificate, token review and pod look-up included",
  },
  credentials: {
    type: "counter",
    name: "podrole_credentials_total",
    help: "Credentials asked for, one for each container, by result: ISSUED or a code of docs/errors.md",
    labels: ["code"],
  },
  credentialsSeconds: {
    type: "histogram",
    name: "podrole_credentials_duration_seconds",
    help: "Time to answer a pod's request for credentials",
  },
  cache: {
    type: "counter",
    name: "podrole_credential_cache_total",
    help: "How credentials were found: hit, miss, renewed, stale (renewal failed, still valid), failed",
    labels: ["outcome"],
  },
  cacheSize: {
    type: "gauge",
    name: "podrole_credential_cache_entries",
    help: "Sessions held in memory",
  },
  nearestExpiry: {
    type: "gauge",
    name: "podrole_credential_nearest_expiry_seconds",
    help: "Seconds until the first session held in memory expires; +Inf when there is none",
  },
  stsCalls: {
    type: "counter",
    name: "podrole_sts_calls_total",
    help: "Calls to STS by result: OK or a code of docs/errors.md",
    labels: ["code"],
  },
  stsSeconds: {
    type: "histogram",
    name: "podrole_sts_duration_seconds",
    help: "Time of one AssumeRole call",
  },
  stsInFlight: {
    type: "gauge",
    name: "podrole_sts_calls_in_flight",
    help: "AssumeRole calls that STS has not answered yet",
  },
  events: {
    type: "counter",
    name: "podrole_events_total",
    help: "Events written on pods, by reason",
    labels: ["code"],
  },
  watchAge: {
    type: "gauge",
    name: "podrole_watch_age_seconds",
    help: "Seconds since the cache of a resource was last proved fresh",
    labels: ["resource"],
  },
  authorityExpiry: {
    type: "gauge",
    name: "podrole_authority_expiry_seconds",
    help: "Seconds until the certificate of the signing CA expires",
  },
  servingExpiry: {
    type: "gauge",
    name: "podrole_serving_certificate_expiry_seconds",
    help: "Seconds until the server's own serving certificate expires",
  },
  caBundleWrites: {
    type: "counter",
    name: "podrole_ca_bundle_writes_total",
    help: "Attempts to put the trust bundle into the webhook configuration, by result",
    labels: ["result"],
  },
} as const satisfies MetricTable;
