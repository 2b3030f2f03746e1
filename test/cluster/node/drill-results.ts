// Result of the drill for a compromised CA as a file: what `--only drill --publish` writes and docs/ca.md shows.
import { join } from "node:path";
import { type Measurement, publishedResults } from "../../published-results.ts";

/** What the clients saw while the CA was replaced. A drill in which a request fails has no result. */
export interface DrillResult extends Measurement {
  readonly pods: number;
  readonly requests: number;
  readonly seconds: number;
}

/** The published result. */
export const drillResult = publishedResults<DrillResult>(join(import.meta.dirname, "drill-results.json"));
