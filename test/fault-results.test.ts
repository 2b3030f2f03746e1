// Results of single faults that are published beside those of an earlier run.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type FaultResult, type FaultResults, withRows } from "./fault/results.ts";

function resultOf(id: string, healedMs: number): FaultResult {
  const nothing = { lastedMs: 0, requests: 1, failures: 0, reasons: [], newcomerMs: 0, operator: [] };
  return { id, title: id, ...nothing, healedMs, verdict: "healed" };
}

test("withRows() replaces and adds single rows in the given order, and drops rows that are not in it", () => {
  const before: FaultResults = {
    date: "2026-11-28",
    commit: "a",
    rows: [resultOf("gone", 1), resultOf("one", 1), resultOf("two", 1)],
  };
  const now = { date: "2026-11-29", commit: "b" };
  const ids = ["zero", "one", "two"];
  assert.deepEqual(withRows(before, [resultOf("two", 2), resultOf("zero", 2)], { ids, now }), {
    ...before,
    rows: [{ ...resultOf("zero", 2), measured: now }, resultOf("one", 1), { ...resultOf("two", 2), measured: now }],
  });
});
