// Results of npm run bench:overload as a file: what `--publish` writes and test/bench/README.md shows.
import { join } from "node:path";
import { publishedResults } from "../../published-results.ts";
import type { Figure, MeasuredFigures } from "../figures.ts";

/** A figure beside what is expected of it. */
export interface OverloadRow {
  readonly what: string;
  readonly expected: string;
  readonly measured: string;
  readonly isMet: boolean;
  /** What two runs are compared by; absent if the row is met or not met, and nothing between. */
  readonly figures?: readonly Figure[];
}

/** All figures, and where they were measured. */
export interface OverloadResults extends MeasuredFigures {
  /** The server's limits. */
  readonly memoryMiB: number;
  readonly cores: number;
  readonly rows: readonly OverloadRow[];
}

/** The published results. */
export const overloadResults = publishedResults<OverloadResults>(join(import.meta.dirname, "results.json"));
