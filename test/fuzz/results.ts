// Results of a fuzz run as a file: what `--publish` writes and docs/attack.md shows.
import { join } from "node:path";
import { type Measurement, publishedResults } from "../published-results.ts";

/** A run that repeats with the same seed, number of inputs and commit. */
export interface FuzzResults extends Measurement {
  readonly seed: number;
  readonly minutes: number;
  readonly plantedSecrets: number;
  readonly failures: number;
  readonly rows: readonly FuzzResult[];
}

/** What was passed to one target. */
export interface FuzzResult {
  readonly target: string;
  readonly through: "code" | "socket";
  readonly inputs: number;
}

/** The published run. */
export const fuzzResults = publishedResults<FuzzResults>(join(import.meta.dirname, "results.json"));
