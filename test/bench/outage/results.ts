// Results of npm run bench:outage as a file: what `--publish` writes and test/bench/README.md shows.
import { join } from "node:path";
import { type Measurement, publishedResults } from "../../published-results.ts";

/** When pods had credentials after an outage. */
export interface OutageRow {
  readonly outage: string;
  /** Milliseconds after its end, by pod, the first pod first. */
  readonly readyMs: readonly number[];
  readonly expected: string;
  readonly isMet: boolean;
}

/** All rows, and where they were measured. */
export interface OutageResults extends Measurement {
  readonly rows: readonly OutageRow[];
}

/** The published results. */
export const outageResults = publishedResults<OutageResults>(join(import.meta.dirname, "results.json"));
