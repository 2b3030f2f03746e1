// The published figures of npm run bench:cpu.
import { join } from "node:path";
import { publishedResults } from "../../published-results.ts";
import type { MeasuredFigures } from "../figures.ts";

/** Ratios to the reference of each row. */
export const cpuFigures = publishedResults<MeasuredFigures>(join(import.meta.dirname, "cpu.json"));
