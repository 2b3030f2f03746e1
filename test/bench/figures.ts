// Figures of a benchmark beside those that were published last: which of them got worse. Each benchmark keeps its
// published figures in the repository; `--publish` replaces them.
import { cpus, loadavg, release, type } from "node:os";
import { type Measurement, measuredNow } from "../published-results.ts";

/** One figure of a benchmark. */
export interface Figure {
  /** The same text in every run, by which two runs are compared. */
  readonly what: string;
  /** Above 0. */
  readonly value: number;
  readonly unit: string;
  readonly better: "lower" | "higher";
}

/** The figures of one run, and where they were measured. */
export interface MeasuredFigures extends Measurement {
  /** Processor, cores, kernel, version of Node, and load average. */
  readonly machine: string;
  readonly figures: readonly Figure[];
}

/** Two runs on the same machine differ by less. */
const MAX_WORSE_SHARE = 0.15;

/** Returns the figures of a run that has just ended, with the date, the commit and the machine. */
export function figuresNow(figures: readonly Figure[]): MeasuredFigures {
  return { ...measuredNow(), machine: describeMachine(), figures };
}

function describeMachine(): string {
  const all = cpus();
  const load = (loadavg()[0] ?? 0).toFixed(1);
  return `${all[0]?.model ?? "unknown processor"}, ${all.length} cores, ${type()} ${release()}, Node ${process.version}, load ${load}`;
}

/**
 * Returns lines that say which figures of `now` are worse than `published` by more than 15 %, and which published
 * figures the run lacks. Undefined: no run has been published yet.
 */
export function compareFigures(published: MeasuredFigures | undefined, now: readonly Figure[]): readonly string[] {
  if (published === undefined) return ["No figures are published yet: --publish writes those of this run."];
  const { date, commit, machine, figures } = published;
  const changes = figures.flatMap((before) => {
    const after = now.find(({ what }) => what === before.what);
    return describeChange(before, after) ?? [];
  });
  return [
    `Published figures of ${date}, commit ${commit} (${machine}):`,
    ...(changes.length > 0 ? changes : ["no figure is worse by more than 15 %"]),
  ];
}

function describeChange(before: Figure, after: Figure | undefined): string | undefined {
  const { what, unit } = before;
  if (after === undefined) return `not measured: ${what}`;
  const share = worseShare(before, after.value);
  if (share <= MAX_WORSE_SHARE) return undefined;
  return `worse by ${Math.round(share * 100)} %: ${what}: ${after.value} ${unit} instead of ${before.value}`;
}

/** How much worse the value is, as a share of the published one; below 0 if it is better. */
function worseShare({ value: before, better }: Figure, after: number): number {
  return (better === "lower" ? after - before : before - after) / before;
}
