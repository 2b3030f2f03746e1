// How npm run bench:reference makes a row of its rounds.
import assert from "node:assert/strict";
import { test } from "node:test";
import { mergeRows, type RowSamples, referenceFigures, rowOf, targetText } from "./bench/reference/results.ts";

const RUN = { date: "2026-11-30", commit: "abc", machine: "Some CPU, 2 cores" };
const COST: RowSamples = {
  what: "CPU of a call",
  reference: "a bare call",
  unit: "ms",
  ratio: "reference ÷ podrole",
  target: { of: "ratio", atLeast: 0.9 },
  pairs: [
    { reference: 1, podrole: 2 },
    { reference: 9, podrole: 10 },
    { reference: 30, podrole: 10 },
  ],
};

test("rowOf() takes the median of the rounds' ratios, not the ratio of the medians", () => {
  const pairs = [
    { reference: 1, podrole: 10 },
    { reference: 2, podrole: 4 },
    { reference: 10, podrole: 5 },
  ];
  const row = rowOf({ ...COST, ratio: "podrole ÷ reference", pairs }, RUN);
  assert.deepEqual([row.referenceValue, row.podroleValue, row.ratio], [2, 5, 2]);
});

test("rowOf() is met at a target and missed beyond it", () => {
  const { ratio, isMet, rounds } = rowOf(COST, RUN);
  assert.deepEqual([ratio, isMet, rounds], [0.9, true, 3]);
  assert.equal(rowOf({ ...COST, target: { of: "ratio", atLeast: 0.91 } }, RUN).isMet, false);
  assert.equal(rowOf({ ...COST, target: { of: "podrole", atMost: 10 } }, RUN).isMet, true);
  assert.equal(rowOf({ ...COST, target: { of: "podrole", atMost: 9.9 } }, RUN).isMet, false);
});

test("referenceFigures() compares by what the target is about", () => {
  const rows = [rowOf(COST, RUN), rowOf({ ...COST, target: { of: "podrole", atMost: 20 } }, RUN)];
  assert.deepEqual(referenceFigures(rows), [
    { what: "CPU of a call", value: 0.9, unit: "times", better: "higher" },
    { what: "CPU of a call", value: 10, unit: "ms", better: "lower" },
  ]);
  assert.deepEqual(rows.map(targetText), ["at least 0.9 times", "at most 20 ms"]);
});

test("mergeRows() replaces measured rows, and keeps others with their commit", () => {
  const [one, other] = [rowOf(COST, RUN), rowOf({ ...COST, what: "another" }, RUN)];
  const now = rowOf(COST, { ...RUN, commit: "def" });
  assert.deepEqual(
    mergeRows([one, other], [now]).map(({ what, commit }) => [what, commit]),
    [
      ["CPU of a call", "def"],
      ["another", "abc"],
    ],
  );
});
