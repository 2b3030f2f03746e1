// Metrics as a table: one object per program holds name, help and labels of every series, and docs/metrics.md is
// generated from it. Label values come from closed sets (codes, kinds), never from text that a pod's author controls; a
// namespace's name is a label of one gauge, which has one series at a time.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { CLOSE_REASONS } from "./budget.ts";
import { BUILD_INFO } from "./build-info.ts";

/** One series: a row of a metrics table. */
export interface MetricSpec {
  readonly type: "counter" | "gauge" | "histogram";
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
  /**
   * Series that exist from the start with value 0, given by the value of the only label or by all labels. A counter
   * that appears with its first increment hides that increment from rate(), so an alert on it fires one increment too
   * late.
   */
  readonly from?: readonly (string | Readonly<Record<string, string>>)[];
  /** Histogram only: upper bounds in seconds. */
  readonly buckets?: readonly number[];
}

/** The metrics of a program, by key. */
export type MetricTable = Readonly<Record<string, MetricSpec>>;

type InstrumentOf<Spec extends MetricSpec> = Spec["type"] extends "counter"
  ? Counter<string>
  : Spec["type"] extends "gauge"
    ? Gauge<string>
    : Histogram<string>;

/** The instruments of a table, by its keys. */
export type Metrics<Table extends MetricTable> = { readonly [Key in keyof Table]: InstrumentOf<Table[Key]> } & {
  /** Returns the text of /metrics (Prometheus exposition format 0.0.4). */
  expose(): Promise<string>;
};

/** In seconds, from 1 ms to 8 s: admission and credential calls fall in the middle. */
export const LATENCY_BUCKETS = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8] as const;

/** Metrics of both the server and the webhook. */
export const COMMON_METRICS = {
  buildInfo: BUILD_INFO,
  ready: {
    type: "gauge",
    name: "podrole_ready",
    help: "1 while /readyz returns 200 and lists nothing under `degraded`, otherwise 0",
  },
  watchAge: {
    type: "gauge",
    name: "podrole_watch_age_seconds",
    help: "Seconds since the API server last confirmed the cache of a resource",
    labels: ["resource"],
  },
} as const satisfies MetricTable;

/** The counter of connections and calls that budgets ended, for a program with these ports. */
export function connectionsClosed(ports: readonly string[]) {
  return {
    type: "counter",
    name: "podrole_connections_closed_total",
    help: `Connections and calls ended because a limit of the port was reached, by port (${ports.join(", ")}) and by reason, which is the limit: ${CLOSE_REASONS.join(", ")}`,
    labels: ["port", "reason"],
    from: ports.flatMap((port) => CLOSE_REASONS.map((reason) => ({ port, reason }))),
  } as const satisfies MetricSpec;
}

/** Creates the instruments of a table in a registry of their own, beside prom-client's metrics of the process. */
export function createMetrics<const Table extends MetricTable>(table: Table): Metrics<Table> {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const instruments = Object.entries(table).map(([key, spec]) => {
    const common = { name: spec.name, help: spec.help, labelNames: [...(spec.labels ?? [])], registers: [registry] };
    const initial = (spec.from ?? []).map((from) =>
      typeof from === "string" ? { [spec.labels?.[0] ?? ""]: from } : from,
    );
    switch (spec.type) {
      case "counter": {
        const counter = new Counter(common);
        for (const labels of initial) counter.inc(labels, 0);
        return [key, counter];
      }
      case "gauge":
        return [key, new Gauge(common)];
      case "histogram": {
        const histogram = new Histogram({ ...common, buckets: [...(spec.buckets ?? LATENCY_BUCKETS)] });
        for (const labels of initial) histogram.zero(labels);
        return [key, histogram];
      }
    }
  });
  return { ...Object.fromEntries(instruments), expose: () => registry.metrics() };
}
