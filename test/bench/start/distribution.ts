// Summarizes a list of times for a table.

/** Whole milliseconds. */
export interface Distribution {
  readonly min: number;
  readonly p25: number;
  readonly median: number;
  readonly p75: number;
  readonly p95: number;
  readonly max: number;
}

/** The value below which `share` of the values lie; always one of the values, never interpolated. */
function quantile(sorted: readonly number[], share: number): number {
  return Math.round(sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)] ?? Number.NaN);
}

export function describe(values: readonly number[]): Distribution {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number) => quantile(sorted, share);
  return { min: at(0), p25: at(0.25), median: at(0.5), p75: at(0.75), p95: at(0.95), max: at(1) };
}
