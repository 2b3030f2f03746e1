// The sidecar's metrics, counted in plain objects and written by hand: prom-client would cost more memory than the rest
// of the process. Nothing in them comes from what a pod's author wrote, and nothing is secret.
import type { ErrorCode } from "../protocol/errors.ts";
import type { MetricTable } from "../runtime/metrics.ts";
import type { Renewal } from "./renewal.ts";

export const SIDECAR_METRICS = {
  credentialsExpiry: {
    type: "gauge",
    name: "podrole_sidecar_credentials_expiry_seconds",
    help: "Seconds until the first of the pod's credentials expire; absent while there are none",
  },
  certificateExpiry: {
    type: "gauge",
    name: "podrole_sidecar_certificate_expiry_seconds",
    help: "Seconds until the pod's certificate expires; absent while there is none",
  },
  renewals: {
    type: "counter",
    name: "podrole_sidecar_renewals_total",
    help: "Renewals by outcome: renewed, refused or failed",
    labels: ["outcome"],
  },
  requests: {
    type: "counter",
    name: "podrole_sidecar_requests_total",
    help: "Requests to the credentials endpoint by error code; OK for credentials",
    labels: ["code"],
  },
} as const satisfies MetricTable;

export interface SidecarMetrics {
  readonly countRenewal: (outcome: Renewal["outcome"]) => void;
  readonly countRequest: (code: ErrorCode | "OK") => void;
  /** Prometheus text, version 0.0.4. Gauges in milliseconds from now; undefined leaves the series out. */
  expose(gauges: { readonly credentialsMs: number | undefined; readonly certificateMs: number | undefined }): string;
}

export function createSidecarMetrics(): SidecarMetrics {
  const renewals = new Map<string, number>([
    ["renewed", 0],
    ["refused", 0],
    ["failed", 0],
  ]);
  const requests = new Map<string, number>([["OK", 0]]);
  return {
    countRenewal: (outcome) => add(renewals, outcome),
    countRequest: (code) => add(requests, code),
    expose({ credentialsMs, certificateMs }) {
      const { credentialsExpiry, certificateExpiry } = SIDECAR_METRICS;
      return [
        ...series(credentialsExpiry, seconds(credentialsMs)),
        ...series(certificateExpiry, seconds(certificateMs)),
        ...series(SIDECAR_METRICS.renewals, labelled("outcome", renewals)),
        ...series(SIDECAR_METRICS.requests, labelled("code", requests)),
        "",
      ].join("\n");
    },
  };
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function seconds(ms: number | undefined): readonly string[] {
  return ms === undefined ? [] : [` ${ms / 1000}`];
}

function labelled(label: string, counts: ReadonlyMap<string, number>): readonly string[] {
  return [...counts].map(([value, count]) => `{${label}="${value}"} ${count}`);
}

function series({ name, help, type }: MetricTable[string], samples: readonly string[]): readonly string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...samples.map((sample) => `${name}${sample}`)];
}
