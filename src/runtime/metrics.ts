// Metrics as a table: name, help and labels of every series stand in one object a program, which docs/metrics.md is
// generated from. Label values come from closed sets (codes, kinds), never from what a pod's author may write.
import { version as nodeVersion } from "node:process";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { VERSION } from "./version.ts";

export interface MetricSpec {
  readonly type: "counter" | "gauge" | "histogram";
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
  /**
   * Series that are there from the start, at 0, by the value of the one label or by all labels: a counter that appears
   * with its first increment hides that increment from rate(), and an alert on it comes one too late.
   */
  readonly from?: readonly (string | Readonly<Record<string, string>>)[];
  /** Histogram only, in seconds. */
  readonly buckets?: readonly number[];
}

export type MetricTable = Readonly<Record<string, MetricSpec>>;

type InstrumentOf<Spec extends MetricSpec> = Spec["type"] extends "counter"
  ? Counter<string>
  : Spec["type"] extends "gauge"
    ? Gauge<string>
    : Histogram<string>;

export type Metrics<Table extends MetricTable> = { readonly [Key in keyof Table]: InstrumentOf<Table[Key]> } & {
  /** The text of /metrics (Prometheus exposition format 0.0.4). */
  expose(): Promise<string>;
};

/** From 1 ms to 8 s: admission and credential calls fall in the middle of it. */
export const LATENCY_BUCKETS = [0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8] as const;

/** What server and webhook both have. */
export const COMMON_METRICS = {
  buildInfo: {
    type: "gauge",
    name: "podrole_build_info",
    help: "1, with podrole's version and Node's",
    labels: ["version", "node"],
  },
  ready: {
    type: "gauge",
    name: "podrole_ready",
    help: "1 while /readyz answers with 200, else 0",
  },
  watchAge: {
    type: "gauge",
    name: "podrole_watch_age_seconds",
    help: "Seconds since the cache of a resource was last proved fresh",
    labels: ["resource"],
  },
} as const satisfies MetricTable;

/** Labels of `podrole_build_info`. */
export function buildLabels(): { readonly version: string; readonly node: string } {
  return { version: VERSION, node: nodeVersion };
}

export function createMetrics<const Table extends MetricTable>(table: Table): Metrics<Table> {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const instruments = Object.entries(table).map(([key, spec]) => {
    const common = { name: spec.name, help: spec.help, labelNames: [...(spec.labels ?? [])], registers: [registry] };
    const first = (spec.from ?? []).map((from) =>
      typeof from === "string" ? { [spec.labels?.[0] ?? ""]: from } : from,
    );
    switch (spec.type) {
      case "counter": {
        const counter = new Counter(common);
        for (const labels of first) counter.inc(labels, 0);
        return [key, counter];
      }
      case "gauge":
        return [key, new Gauge(common)];
      case "histogram": {
        const histogram = new Histogram({ ...common, buckets: [...(spec.buckets ?? LATENCY_BUCKETS)] });
        for (const labels of first) histogram.zero(labels);
        return [key, histogram];
      }
    }
  });
  return { ...Object.fromEntries(instruments), expose: () => registry.metrics() };
}
