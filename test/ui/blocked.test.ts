import assert from "node:assert/strict";
import { test } from "node:test";
import { blockedRows } from "../../ui/model/maker.ts";
import { holdStateOf } from "../../ui/model/state.ts";
import { smallSnapshot, UI_NOW, uiRoleArn } from "./snapshots.ts";

const MINUTE = 60_000;

test("blockedRows() has each workload that cannot create its pods once, by its last refusal, until that is long ago", () => {
  const { refusals } = smallSnapshot();
  const intruder = refusals.find(({ code }) => code === "ROLE_FORBIDDEN");
  assert.ok(intruder);
  const later = {
    ...intruder,
    pod: "replicaset/intruder-7d8f9",
    code: "ROLE_MISSING",
    time: new Date(UI_NOW + MINUTE).toISOString(),
  };
  const daemon = { ...intruder, pod: "daemonset/agent", role: uiRoleArn("agent") };
  assert.deepEqual(
    blockedRows([...refusals, later, daemon], UI_NOW).map(({ workload, code, role }) => [workload, code, role]),
    [
      ["Deployment/intruder", "ROLE_MISSING", uiRoleArn("payroll-admin")],
      ["DaemonSet/agent", "ROLE_FORBIDDEN", uiRoleArn("agent")],
    ],
  );
  assert.ok(blockedRows(refusals, UI_NOW).every((row) => holdStateOf(row, UI_NOW) === "blocked"));
  assert.deepEqual(blockedRows(refusals, UI_NOW + 21 * MINUTE), []);
});
