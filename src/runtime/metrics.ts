// Metrics as a table: name, help and labels of every series stand in one object a program, which docs/metrics.md is
// generated from. Label values come from closed sets (codes, kinds), never from what a pod's author may write.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

export interface MetricSpec {
  readonly type: "counter" | "gauge" | "histogram";
  readonly name: string;
  readonly help: string;
  readonly labels?: readonly string[];
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

export function createMetrics<const Table extends MetricTable>(table: Table): Metrics<Table> {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const instruments = Object.entries(table).map(([key, spec]) => {
    const common = { name: spec.name, help: spec.help, labelNames: [...(spec.labels ?? [])], registers: [registry] };
    switch (spec.type) {
      case "counter":
        return [key, new Counter(common)];
      case "gauge":
        return [key, new Gauge(common)];
      case "histogram":
        return [key, new Histogram({ ...common, buckets: [...(spec.buckets ?? LATENCY_BUCKETS)] })];
    }
  });
  return { ...Object.fromEntries(instruments), expose: () => registry.metrics() };
}
