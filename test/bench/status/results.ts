// The figures of npm run bench:status that were published last.
import { join } from "node:path";
import { publishedResults } from "../../published-results.ts";
import type { MeasuredFigures } from "../figures.ts";

/** The published figures, and of how many pods they are. */
export interface StatusFigures extends MeasuredFigures {
  readonly pods: number;
  readonly runs: number;
}

export const statusFigures = publishedResults<StatusFigures>(join(import.meta.dirname, "results.json"));
