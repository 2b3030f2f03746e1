// Results of long simulations as a file: what `--publish` writes and docs/simulation.md shows.
import { join } from "node:path";
import { type Measurement, measuredNow, publishedResults } from "../published-results.ts";
import type { Flags } from "./programs.ts";

/** One run: its scenario, what happened in it, and what it cost. */
export interface SimulationResult {
  readonly seed: number;
  readonly days: number;
  readonly pods: number;
  readonly servers: number;
  /** Fraction of the pods that live for a day on average. */
  readonly shortLived: number;
  /** Settings of the server. */
  readonly flags: Flags;
  readonly hasRealCryptography: boolean;
  readonly faults: number;
  readonly renewals: number;
  /** Requests of apps, and those that were answered with credentials. */
  readonly requests: number;
  readonly served: number;
  readonly cpuSeconds: number;
  /** The rule that was broken first, and how; absent if every rule held. */
  readonly violation?: string;
}

/** A result, and when and of which commit it was measured. */
export type PublishedRun = SimulationResult & Measurement;

/** All runs; the measurement is that of the last one. */
export interface SimulationResults extends Measurement {
  readonly runs: readonly PublishedRun[];
}

/** The published results. */
export const simulationResults = publishedResults<SimulationResults>(join(import.meta.dirname, "results.json"));

/** Writes a run in place of an earlier one of the same seed. `commit`: that of the sources that ran. */
export function publishRun(result: SimulationResult, commit: string): void {
  const measured = { ...measuredNow(), commit };
  const keyOf = ({ hasRealCryptography, seed, pods, days }: SimulationResult) =>
    [Number(hasRealCryptography), seed, pods, days].join(" ");
  const others = simulationResults.read().runs.filter((run) => keyOf(run) !== keyOf(result));
  const runs = [...others, { ...result, ...measured }].toSorted(
    (a, b) => Number(a.hasRealCryptography) - Number(b.hasRealCryptography) || a.seed - b.seed,
  );
  simulationResults.write({ ...measured, runs });
}
