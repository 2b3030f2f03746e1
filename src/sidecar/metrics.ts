// The sidecar's metrics, counted in plain objects and formatted here: prom-client would cost more memory than the rest
// of the process. No value comes from text of the pod's author, and none is secret.
import type { ErrorCode } from "../protocol/errors.ts";
import type { CloseReason } from "../runtime/budget.ts";
import { BUILD_INFO, buildLabels } from "../runtime/build-info.ts";
import type { MetricTable } from "../runtime/metrics.ts";
import type { Renewal } from "./renewal/outcome.ts";

/** Names, types, labels and help texts of the metrics. */
export const SIDECAR_METRICS = {
  buildInfo: BUILD_INFO,
  ready: {
    type: "gauge",
    name: "podrole_sidecar_ready",
    help: "1 while /readyz returns 200, otherwise 0",
  },
  credentialsExpiry: {
    type: "gauge",
    name: "podrole_sidecar_credentials_expiry_seconds",
    help: "Seconds until the first of the pod's credentials expire; absent while the pod has no credentials",
  },
  certificateExpiry: {
    type: "gauge",
    name: "podrole_sidecar_certificate_expiry_seconds",
    help: "Seconds until the pod's certificate expires; absent while the pod has no certificate",
  },
  renewals: {
    type: "counter",
    name: "podrole_sidecar_renewals_total",
    help: "Renewals, by outcome: renewed, refused or failed",
    labels: ["outcome"],
    from: ["renewed", "refused", "failed"],
  },
  renewalSeconds: {
    type: "histogram",
    name: "podrole_sidecar_renewal_duration_seconds",
    help: "Duration of one renewal, in seconds: start of the renewal process, proof of the pod's identity if it is due, and the server's answer",
    buckets: [0.1, 0.25, 0.5, 1, 2, 5, 10, 30],
  },
  requests: {
    type: "counter",
    name: "podrole_sidecar_requests_total",
    help: "Requests to the credentials endpoint, by error code; OK means that the response contained credentials",
    labels: ["code"],
    from: ["OK"],
  },
  requestSeconds: {
    type: "histogram",
    name: "podrole_sidecar_request_duration_seconds",
    help: "Time to answer a request to the credentials endpoint, in seconds with a resolution of 1 ms; SDKs time out after 1 s",
    buckets: [0.001, 0.005, 0.025, 0.1, 0.25, 0.5, 0.9, 1],
  },
  // One series per port from the start; the others appear with their first connection: all combinations would be 14
  // more for every pod.
  connectionsClosed: {
    type: "counter",
    name: "podrole_sidecar_connections_closed_total",
    help: "Connections closed because a limit of the port was reached, by port (credentials or health) and by reason, which is the limit: connections, bytes, requests, headers, body, call or keepAlive",
    labels: ["port", "reason"],
  },
} as const satisfies MetricTable;

const CLOSED_FROM_START = ["credentials connections", "health connections"] as const;

/** Counters, and their exposition. */
export interface SidecarMetrics {
  /** A negative duration counts as 0. */
  readonly countRenewal: (outcome: Renewal["outcome"], durationMs: number) => void;
  readonly countRequest: (code: ErrorCode | "OK", durationMs: number) => void;
  readonly countClosed: (port: "credentials" | "health", reason: CloseReason) => void;
  /** Returns Prometheus text, version 0.0.4. Gauges in milliseconds from now; undefined omits the series. */
  expose(gauges: {
    readonly ready: boolean;
    readonly credentialsMs: number | undefined;
    readonly certificateMs: number | undefined;
  }): string;
}

/** Creates the metrics with all counters at 0. */
export function createSidecarMetrics(): SidecarMetrics {
  const { ready, credentialsExpiry, certificateExpiry } = SIDECAR_METRICS;
  const { version, node } = buildLabels();
  const buildInfo = createCounts({ ...SIDECAR_METRICS.buildInfo, from: [] });
  buildInfo.add(version, node);
  const renewals = createCounts(SIDECAR_METRICS.renewals);
  const requests = createCounts(SIDECAR_METRICS.requests);
  const renewalSeconds = createBuckets(SIDECAR_METRICS.renewalSeconds);
  const requestSeconds = createBuckets(SIDECAR_METRICS.requestSeconds);
  const closed = createCounts({ ...SIDECAR_METRICS.connectionsClosed, from: CLOSED_FROM_START });
  return {
    countRenewal(outcome, durationMs) {
      renewals.add(outcome);
      renewalSeconds.add(durationMs);
    },
    countRequest(code, durationMs) {
      requests.add(code);
      requestSeconds.add(durationMs);
    },
    countClosed: (port, reason) => closed.add(port, reason),
    expose(gauges) {
      return [
        ...buildInfo.expose(),
        ...seriesLines(ready, [` ${gauges.ready ? 1 : 0}`]),
        ...seriesLines(credentialsExpiry, secondsText(gauges.credentialsMs)),
        ...seriesLines(certificateExpiry, secondsText(gauges.certificateMs)),
        ...renewals.expose(),
        ...renewalSeconds.expose(),
        ...requests.expose(),
        ...requestSeconds.expose(),
        ...closed.expose(),
        "",
      ].join("\n");
    },
  };
}

type SidecarMetricSpec = MetricTable[string];

function createCounts(
  spec: Omit<SidecarMetricSpec, "from"> & {
    readonly labels: readonly string[];
    /** Label values of the series that exist from the start, separated by spaces. */
    readonly from: readonly string[];
  },
) {
  const labelsOf = (key: string) => key.split(" ").map((value, index) => `${spec.labels[index]}="${value}"`);
  /** By the values of the labels, whose names are added when the metrics are read: that is far less often. */
  const counts = new Map<string, number>(spec.from.map((values) => [values, 0]));
  return {
    add(...values: readonly string[]) {
      const key = values.join(" ");
      counts.set(key, (counts.get(key) ?? 0) + 1);
    },
    expose: () =>
      seriesLines(
        spec,
        [...counts].map(([key, count]) => `{${labelsOf(key).join()}} ${count}`),
      ),
  };
}

/** A histogram: each bucket counts the values at or below its bound. */
function createBuckets(spec: SidecarMetricSpec & { readonly buckets: readonly number[] }) {
  const counts = spec.buckets.map(() => 0);
  let count = 0;
  let sum = 0;
  return {
    add(durationMs: number) {
      const value = Math.max(durationMs, 0) / 1000;
      spec.buckets.forEach((bound, index) => {
        if (value <= bound) counts[index] = (counts[index] ?? 0) + 1;
      });
      count += 1;
      sum += value;
    },
    expose: () =>
      seriesLines(spec, [
        ...spec.buckets.map((bound, index) => `_bucket{le="${bound}"} ${counts[index]}`),
        `_bucket{le="+Inf"} ${count}`,
        `_sum ${sum}`,
        `_count ${count}`,
      ]),
  };
}

function secondsText(ms: number | undefined): readonly string[] {
  return ms === undefined ? [] : [` ${ms / 1000}`];
}

function seriesLines(
  { name, help, type }: Pick<SidecarMetricSpec, "name" | "help" | "type">,
  samples: readonly string[],
): readonly string[] {
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...samples.map((sample) => `${name}${sample}`)];
}
