// Rows of npm run bench:reference: a figure of podrole beside the same figure of the smallest program that does the
// same, measured in turn in one run. Each row keeps the run in which it was measured, because --only measures some.
import { join } from "node:path";
import { type Measurement, publishedResults } from "../../published-results.ts";
import { quantile } from "../../quantile.ts";
import type { Figure, MeasuredFigures } from "../figures.ts";

/** What was measured in one round. */
export interface Pair {
  readonly reference: number;
  readonly podrole: number;
}

/** What a row demands: of the ratio, or of podrole's figure itself. A row without one is for information. */
export interface Target {
  readonly of: "ratio" | "podrole";
  readonly atMost?: number;
  readonly atLeast?: number;
}

/** A row before its medians are computed. */
export interface RowSamples {
  /** The same text in every run. */
  readonly what: string;
  /** What the reference is, in words. */
  readonly reference: string;
  readonly unit: string;
  /** Of podrole to the reference, or the other way round where a target is a least one of a cost. */
  readonly ratio: "podrole ÷ reference" | "reference ÷ podrole";
  readonly target?: Target;
  readonly pairs: readonly Pair[];
}

/** A row as published: medians of the rounds, and the median of their ratios. */
export interface ReferenceRow extends Omit<RowSamples, "pairs" | "ratio">, Measurement {
  readonly machine: string;
  readonly rounds: number;
  readonly referenceValue: number;
  readonly podroleValue: number;
  readonly ratio: number;
  readonly ratioOf: RowSamples["ratio"];
  readonly isMet?: boolean;
}

/** All rows. */
export interface ReferenceResults extends MeasuredFigures {
  readonly rows: readonly ReferenceRow[];
}

/** The published rows. */
export const referenceResults = publishedResults<ReferenceResults>(join(import.meta.dirname, "results.json"));

/** Returns the row of the samples, measured where and when `run` says. */
export function rowOf(samples: RowSamples, run: Measurement & { readonly machine: string }): ReferenceRow {
  const { what, reference, unit, target, pairs } = samples;
  const medianOf = (value: (pair: Pair) => number) => rounded(quantile(pairs.map(value), 0.5));
  const isInverse = samples.ratio === "reference ÷ podrole";
  // Of each round, because what else runs on the machine changes from one to the next.
  const ratio = medianOf((pair) => (isInverse ? pair.reference / pair.podrole : pair.podrole / pair.reference));
  const podroleValue = medianOf(({ podrole }) => podrole);
  const { date, commit, machine } = run;
  return {
    what,
    reference,
    unit,
    ...(target && { target, isMet: isWithin(target.of === "ratio" ? ratio : podroleValue, target) }),
    referenceValue: medianOf((pair) => pair.reference),
    podroleValue,
    ratio,
    ratioOf: samples.ratio,
    rounds: pairs.length,
    date,
    commit,
    machine,
  };
}

function isWithin(value: number, { atMost = Infinity, atLeast = 0 }: Target): boolean {
  return value <= atMost && value >= atLeast;
}

/** Returns what two runs are compared by: what a row's target is about, and the ratio where it has none. */
export function referenceFigures(rows: readonly ReferenceRow[]): readonly Figure[] {
  return rows.map(({ what, target, podroleValue, ratio, unit }) => {
    const value = target?.of === "podrole" ? { value: podroleValue, unit } : { value: ratio, unit: "times" };
    return { what, ...value, better: target?.atLeast === undefined ? "lower" : "higher" };
  });
}

/** Returns the rows of `published`, in their order, replaced by those of `now`, and new ones at the end. */
export function mergeRows(published: readonly ReferenceRow[], now: readonly ReferenceRow[]): readonly ReferenceRow[] {
  const measured = new Map(now.map((row) => [row.what, row]));
  const kept = published.map((row) => measured.get(row.what) ?? row);
  return [...kept, ...now.filter(({ what }) => published.every((row) => row.what !== what))];
}

/** "at most 1.1 times", "at most 20 ms"; "none" for a row for information. */
export function targetText({ target, unit }: Pick<ReferenceRow, "target" | "unit">): string {
  if (target === undefined) return "none";
  const [bound, value] = target.atMost === undefined ? ["at least", target.atLeast] : ["at most", target.atMost];
  return `${bound} ${value} ${target.of === "ratio" ? "times" : unit}`;
}

/** To three significant digits, and whole numbers of more. */
function rounded(value: number): number {
  return Math.abs(value) >= 1000 ? Math.round(value) : Number(value.toPrecision(3));
}
