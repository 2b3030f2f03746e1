// Results of npm run bench:scale as a file: what `--publish` writes and docs/price.md shows.
import { join } from "node:path";
import { publishedResults } from "../../published-results.ts";
import type { Figure, MeasuredFigures } from "../figures.ts";

/** What one run measured. */
export interface ScaleRun {
  readonly pods: number;
  /** Of KWOK and of the API server. */
  readonly versions: { readonly kwok: string; readonly kubernetes: string };
  /** From the first request until the last pod is created. */
  readonly createdSeconds: number;
  /** From the first request until the last pod is running. */
  readonly runningSeconds: number;
  /** Creations that the API server refused. */
  readonly failures: number;
  /** The API server's own metric of the webhook: milliseconds, interpolated in its buckets. */
  readonly admissionP50: number;
  readonly admissionP99: number;
  /** Part of the webhook's calls that the API server saw answered within 25 ms, the end of a bucket. */
  readonly within25: number;
  readonly server: ProgramUse;
  readonly webhook: ProgramUse;
}

/** Of a program, for each 1 000 pods: CPU until the last pod is running, and how much its memory has grown. */
export interface ProgramUse {
  readonly cpuMs: number;
  readonly megabytes: number;
  /** At the end, in all. */
  readonly totalMegabytes: number;
}

/** The run, and where it was measured. */
export interface ScaleResults extends MeasuredFigures, ScaleRun {}

/** The longest admission of 99 % of the pods, in milliseconds. */
export const MAX_P99_MS = 25;

/** The published run. */
export const scaleResults = publishedResults<ScaleResults>(join(import.meta.dirname, "results.json"));

/** Reports whether the run meets what the page promises. */
export function isScaleMet({ admissionP99, failures }: Pick<ScaleRun, "admissionP99" | "failures">): boolean {
  return failures === 0 && admissionP99 <= MAX_P99_MS;
}

/** Returns what two runs are compared by. */
export function scaleFigures(run: ScaleRun): readonly Figure[] {
  const lower = (what: string, value: number, unit: string): Figure => ({ what, value, unit, better: "lower" });
  return [
    lower("admission on a real API server: p99", run.admissionP99, "ms"),
    { what: "pods created", value: perSecond(run), unit: "per second", better: "higher" },
    lower("server: CPU for 1 000 pods", run.server.cpuMs, "ms"),
    lower("webhook: CPU for 1 000 pods", run.webhook.cpuMs, "ms"),
    lower("server: memory at the end", run.server.totalMegabytes, "MB"),
  ];
}

/** Returns the rate of creations, in whole pods. */
export function perSecond({ pods, createdSeconds }: Pick<ScaleRun, "pods" | "createdSeconds">): number {
  return Math.round(pods / createdSeconds);
}
