// Results of the attack suite as a file: what `--publish` writes and docs/attack.md shows.
import { join } from "node:path";
import { type Measurement, publishedResults } from "../published-results.ts";

/** How an attack went. Milliseconds, MiB, and shares of one core. */
export interface AttackResult {
  readonly id: string;
  readonly title: string;
  readonly program: string;
  /** "own": the attacker has an address of its own; "shared": every caller has the same. */
  readonly address: string;
  readonly peakMib: number;
  readonly limitMib: number;
  readonly quietP50: number;
  readonly quietP99: number;
  readonly besideP50: number;
  readonly besideP99: number;
  readonly calls: number;
  readonly failures: number;
  readonly cpu: number;
  readonly verdict: "held" | "broken";
}

/** All results, and where they were measured; `seconds` is the duration of one attack. */
export interface AttackResults extends Measurement {
  readonly kernel: string;
  readonly cpu: string;
  readonly seconds: number;
  readonly rows: readonly AttackResult[];
}

/** The published results. */
export const attackResults = publishedResults<AttackResults>(join(import.meta.dirname, "results.json"));
