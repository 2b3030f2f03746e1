// Summarizes a list of times for a table.
import { quantile } from "../../quantile.ts";

/** Whole milliseconds. */
export interface Distribution {
  readonly min: number;
  readonly p25: number;
  readonly median: number;
  readonly p75: number;
  readonly p95: number;
  readonly max: number;
}

export function distributionOf(values: readonly number[]): Distribution {
  const at = (share: number) => Math.round(quantile(values, share));
  return { min: at(0), p25: at(0.25), median: at(0.5), p75: at(0.75), p95: at(0.95), max: at(1) };
}
