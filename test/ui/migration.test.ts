import assert from "node:assert/strict";
import { test } from "node:test";
import { whereabouts } from "../../ui/model/migration.ts";
import { MIGRATION } from "./page-answers.ts";

test("whereabouts() has every pod of a migration in one part", () => {
  const countsOf = (migration: typeof MIGRATION) => whereabouts(migration).map(({ count }) => count);
  assert.deepEqual(countsOf(MIGRATION), [12, 23, 12, 24]);
  // Of a labelled namespace's workloads that are not running, no pod is moved or waits for a wave.
  assert.deepEqual(countsOf({ ...MIGRATION, report: { ...MIGRATION.report, withoutRole: 21 } }), [12, 23, 12, 21, 3]);
  assert.deepEqual(countsOf({ ...MIGRATION, waves: [], postponed: [] }), [12, 24, 35]);
});
