// The published figures of npm run bench:cpu.
import { join } from "node:path";
import { publishedResults } from "../../published-results.ts";
import type { MeasuredFigures } from "../figures.ts";

/** A row with its reference: medians in CPU milliseconds. */
export interface CpuRow {
  readonly what: string;
  readonly ms: number;
  readonly reference: string;
  readonly referenceMs: number;
}

/** Ratios to the reference of each row, and the rows themselves; absent in runs that were published before them. */
export interface CpuResults extends MeasuredFigures {
  readonly rows?: readonly CpuRow[];
}

/** The published results. */
export const cpuFigures = publishedResults<CpuResults>(join(import.meta.dirname, "cpu.json"));
