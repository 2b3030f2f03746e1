// Quantiles of measured values.

/**
 * Returns the value below which `share` of the values lie: one of the values, never interpolated; NaN without values.
 */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)] ?? Number.NaN;
}
