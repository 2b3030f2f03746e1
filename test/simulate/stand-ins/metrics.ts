// Stand-in for createMetrics() of src/runtime/metrics.ts: instruments with the last value and no text. prom-client
// would take more time than what it measures.
import type { MetricTable } from "../../../src/runtime/metrics.ts";

class Instrument {
  value = 0;
  inc(): void {}
  dec(): void {}
  observe(): void {}
  zero(): void {}
  reset(): void {}
  remove(): void {}
  set(first: unknown, second?: number): void {
    this.value = typeof first === "number" ? first : (second ?? 0);
  }
  startTimer(): () => number {
    return () => 0;
  }
}

export function createMetrics(table: MetricTable) {
  const instruments = Object.fromEntries(Object.keys(table).map((key) => [key, new Instrument()]));
  return {
    ...instruments,
    expose: async () =>
      JSON.stringify(Object.fromEntries(Object.entries(instruments).map(([key, { value }]) => [key, value]))),
  };
}
