import assert from "node:assert/strict";
import { test } from "node:test";
import { whereabouts } from "../../ui/model/migration.ts";
import { MIGRATION } from "./page-answers.ts";

test("whereabouts() has every pod of a migration in one part", () => {
  const countsOf = (migration: typeof MIGRATION) => whereabouts(migration).map(({ count }) => count);
  assert.deepEqual(countsOf(MIGRATION), [62, 37, 12, 103]);
  // Of a labelled namespace's workloads that are not running, no pod is moved or waits for a wave.
  assert.deepEqual(countsOf({ ...MIGRATION, report: { ...MIGRATION.report, withoutRole: 100 } }), [62, 37, 12, 100, 3]);
  assert.deepEqual(countsOf({ ...MIGRATION, waves: [], postponed: [] }), [62, 103, 49]);
});
