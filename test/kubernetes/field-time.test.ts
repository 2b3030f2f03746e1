import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { fieldTimeOf } from "../../src/kubernetes/field-time.ts";

const LABEL = ["labels", "podrole.io/inject"] as const;

function managedBy(manager: string, time: string, fields: object) {
  return { manager, operation: "Update", apiVersion: "v1", time, fieldsType: "FieldsV1", fieldsV1: fields };
}

const own = { "f:metadata": { "f:labels": { ".": {}, "f:podrole.io/inject": {} } } };
const applied = {
  "f:metadata": { "f:annotations": { "f:a": {} }, "f:labels": { "f:podrole.io/inject": {}, "f:team": {} } },
};

suite("fieldTimeOf()", () => {
  for (const [what, managedFields, expected] of [
    [
      "the time of a manager that has set nothing else",
      [managedBy("kubectl-label", "2026-06-01T12:00:00Z", own)],
      { at: "2026-06-01T12:00:00Z", isExact: true },
    ],
    [
      "an inexact time where the manager has set other fields too",
      [managedBy("kubectl-client-side-apply", "2026-06-01T12:00:00Z", applied)],
      { at: "2026-06-01T12:00:00Z", isExact: false },
    ],
    [
      "the first of several managers",
      [managedBy("argocd", "2026-06-02T00:00:00Z", applied), managedBy("kubectl-label", "2026-06-01T12:00:00Z", own)],
      { at: "2026-06-01T12:00:00Z", isExact: true },
    ],
    ["nothing for a label that no manager has", [managedBy("x", "2026-06-01T12:00:00Z", { "f:spec": {} })], undefined],
    ["nothing for an entry without a time", [{ manager: "x", fieldsV1: own }], undefined],
    ["nothing for an object without managedFields", undefined, undefined],
    ["nothing for what is no list", "managedFields", undefined],
  ] as const) {
    test(`returns ${what}`, () => {
      assert.deepEqual(fieldTimeOf({ managedFields }, LABEL), expected);
    });
  }

  test("reads annotations apart from labels", () => {
    const managedFields = [managedBy("kubectl-label", "2026-06-01T12:00:00Z", own)];
    assert.equal(fieldTimeOf({ managedFields }, ["annotations", "podrole.io/inject"]), undefined);
  });
});
