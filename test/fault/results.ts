// Results of the fault suite as a file: what `--publish` writes and docs/faults.md shows.
import { join } from "node:path";
import { type Measurement, publishedResults } from "../published-results.ts";

/** What was seen of a fault. */
export interface FaultResult {
  readonly id: string;
  readonly title: string;
  readonly lastedMs: number;
  /** Requests of the app, and how many failed although it had valid credentials. */
  readonly requests: number;
  readonly failures: number;
  /** What the app's failed requests got. */
  readonly reasons: readonly string[];
  /**
   * First credentials of the pod that was created meanwhile, in milliseconds after the fault's end; negative: before.
   */
  readonly newcomerMs: number;
  /** Until everything was well again, in milliseconds after the fault's end. */
  readonly healedMs: number;
  /** What an operator sees of it: code or message of a line, series of a metric, alert. */
  readonly operator: readonly string[];
  readonly verdict: "healed" | "broken";
  /** When, and of which commit, it was measured, if that was another run than that of the file. */
  readonly measured?: Measurement;
}

/** All results, and where they were measured. */
export interface FaultResults extends Measurement {
  readonly rows: readonly FaultResult[];
}

/** Returns the results with those of single rows, measured at `now`, in the order of `ids`. */
export function withRows(
  results: FaultResults,
  rows: readonly FaultResult[],
  { ids, now }: { readonly ids: readonly string[]; readonly now: Measurement },
): FaultResults {
  const measured = new Map(rows.map((row) => [row.id, { ...row, measured: now }]));
  const earlier = new Map(results.rows.map((row) => [row.id, row]));
  return { ...results, rows: ids.flatMap((id) => measured.get(id) ?? earlier.get(id) ?? []) };
}

/** The published results. */
export const faultResults = publishedResults<FaultResults>(join(import.meta.dirname, "results.json"));
