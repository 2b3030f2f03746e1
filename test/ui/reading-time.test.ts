import assert from "node:assert/strict";
import { test } from "node:test";
import { readingTime } from "../../ui/model/reading-time.ts";
import { holdStateOf } from "../../ui/model/state.ts";
import { podRow, UI_NOW } from "./snapshots.ts";

const MINUTE = 60_000;

test("readingTime() runs on with the clock for a fresh reading, and no further for an old one", () => {
  const at = new Date(UI_NOW).toISOString();
  assert.equal(readingTime(at, UI_NOW + 3_000), UI_NOW + 3_000);
  assert.equal(readingTime(at, UI_NOW + 10 * MINUTE), UI_NOW + 10_000);
  // The operator's clock is behind.
  assert.equal(readingTime(at, UI_NOW - MINUTE), UI_NOW);
  assert.equal(readingTime("never", UI_NOW), UI_NOW);
});

test("readingTime() keeps renewals that an old reading cannot have from looking overdue", () => {
  const at = new Date(UI_NOW).toISOString();
  const now = UI_NOW + 21 * MINUTE;
  const row = podRow();
  assert.equal(holdStateOf(row, now), "overdue");
  assert.equal(holdStateOf(row, readingTime(at, now)), "holding");
});
