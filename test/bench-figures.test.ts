// What a benchmark says about its last published figures.
import assert from "node:assert/strict";
import { test } from "node:test";
import { compareFigures, type Figure, type MeasuredFigures } from "./bench/figures.ts";

const FAST: Figure = { what: "renewal", value: 100, unit: "ms", better: "lower" };
const MANY: Figure = { what: "certificates", value: 200, unit: "per second", better: "higher" };
const HEAD = "Published figures of 2026-11-29, commit abc (Some CPU, 2 cores):";
const NO_CHANGE = "no figure is worse by more than 15 %";

function published(figures: readonly Figure[]): MeasuredFigures {
  return { date: "2026-11-29", commit: "abc", machine: "Some CPU, 2 cores", figures };
}

const CASES = [
  { name: "a lower figure of which less is better", before: FAST, after: 20, line: NO_CHANGE },
  { name: "15 % more of a figure of which less is better", before: FAST, after: 115, line: NO_CHANGE },
  {
    name: "16 % more of a figure of which less is better",
    before: FAST,
    after: 116,
    line: "worse by 16 %: renewal: 116 ms instead of 100",
  },
  { name: "a higher figure of which more is better", before: MANY, after: 900, line: NO_CHANGE },
  { name: "15 % less of a figure of which more is better", before: MANY, after: 170, line: NO_CHANGE },
  {
    name: "half of a figure of which more is better",
    before: MANY,
    after: 100,
    line: "worse by 50 %: certificates: 100 per second instead of 200",
  },
];

for (const { name, before, after, line } of CASES)
  test(`compareFigures() returns "${line}" for ${name}`, () => {
    assert.deepEqual(compareFigures(published([before]), [{ ...before, value: after }]), [HEAD, line]);
  });

test("compareFigures() says that nothing is published yet", () => {
  assert.deepEqual(compareFigures(undefined, [FAST]), [
    "No figures are published yet: --publish writes those of this run.",
  ]);
});

test("compareFigures() names a published figure that the run lacks, and ignores a new one", () => {
  assert.deepEqual(compareFigures(published([FAST]), [MANY]), [HEAD, "not measured: renewal"]);
});
