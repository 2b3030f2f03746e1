// Results of the fault suite as a file: what `--publish` writes and docs/faults.md shows.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const FILE = join(import.meta.dirname, "results.json");

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
  /** First credentials of the pod that was created meanwhile, in milliseconds after the fault's end; negative: before. */
  readonly newcomerMs: number;
  /** Until everything was well again, in milliseconds after the fault's end. */
  readonly healedMs: number;
  /** What an operator sees of it: code or message of a line, series of a metric, alert. */
  readonly operator: readonly string[];
  readonly verdict: "healed" | "broken";
}

/** All results, and where they were measured. */
export interface FaultResults {
  readonly date: string;
  readonly commit: string;
  readonly rows: readonly FaultResult[];
}

/** Returns the results that were published last. */
export function readFaultResults(): FaultResults {
  return JSON.parse(readFileSync(FILE, "utf8")) as FaultResults;
}

/** Publishes results. */
export function writeFaultResults(results: FaultResults): void {
  writeFileSync(FILE, `${JSON.stringify(results, null, 2)}\n`);
}
