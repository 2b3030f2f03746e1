// Results of npm run test:mutations as a file: what `--publish` writes and docs/simulation.md shows.
import { join } from "node:path";
import { type Measurement, publishedResults } from "../published-results.ts";

/** A break, and the test files that failed with it; none if it was missed. */
export interface MutationResult {
  readonly breaks: string;
  readonly file: string;
  readonly foundBy: readonly string[];
}

/** All breaks. */
export interface MutationResults extends Measurement {
  readonly rows: readonly MutationResult[];
}

/** The published results. */
export const mutationResults = publishedResults<MutationResults>(join(import.meta.dirname, "results.json"));
