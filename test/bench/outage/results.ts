// Results of npm run bench:outage as a file: what `--publish` writes and test/bench/README.md shows.
import { join } from "node:path";
import { publishedResults } from "../../published-results.ts";
import type { Figure, MeasuredFigures } from "../figures.ts";

/** When pods had credentials after an outage. */
export interface OutageRow {
  readonly outage: string;
  /** Milliseconds after its end, by pod, the first pod first. */
  readonly readyMs: readonly number[];
  readonly expected: string;
  readonly isMet: boolean;
}

/** All rows, and where they were measured. */
export interface OutageResults extends MeasuredFigures {
  readonly rows: readonly OutageRow[];
}

/** The published results. */
export const outageResults = publishedResults<OutageResults>(join(import.meta.dirname, "results.json"));

/** Returns when 9 of 10 pods had credentials, for each outage: the last pods' waits are random. */
export function outageFigures(rows: readonly OutageRow[]): readonly Figure[] {
  return rows.map(({ outage, readyMs }) => ({
    what: `${outage}: 9 of 10 pods have credentials`,
    value: (readyMs[Math.ceil(0.9 * readyMs.length) - 1] ?? Number.NaN) / 1_000,
    unit: "s",
    better: "lower",
  }));
}
