import assert from "node:assert/strict";
import { test } from "node:test";
import type { RefusedRow, TrustRow } from "../../../src/operations/status/model.ts";
import { findLikelyCauses } from "../../../src/operations/ui/likely-causes.ts";
import { podRow, smallSnapshot, UI_NOW, uiRoleArn } from "../../ui/snapshots.ts";

const MINUTE = 60_000;
const at = (ms: number) => new Date(UI_NOW + ms).toISOString();
const [, current] = smallSnapshot().trust;
const signingSince = (since: string): readonly TrustRow[] => (current ? [{ ...current, since }] : []);

const { expires: _expires, renewed: _renewed, ...withoutCredentials } = podRow();
const { renewed: _byServer, ...reportedRow } = podRow();
const denied = {
  ...withoutCredentials,
  ...{ pod: "mailer-1", workload: "Deployment/mailer", role: uiRoleArn("shop-oders"), code: "STS_DENIED" },
};
const record: RefusedRow = {
  ...{ time: at(0), count: 1, namespace: "shop", pod: "mailer-1", container: "app", role: uiRoleArn("shop-oders") },
  ...{
    code: "STS_DENIED",
    message: "Cannot assume role: as the server says",
    next: "podrole aws trust",
    from: "server",
  },
};

test("findLikelyCauses() suggests a role that containers hold for a denied one with almost the same name", () => {
  const { pods, refusals, similarRoles } = findLikelyCauses(
    { pods: [podRow(), denied], refusals: [record], trust: [] },
    UI_NOW,
  );
  assert.deepEqual(similarRoles, { [uiRoleArn("shop-oders")]: uiRoleArn("shop-orders") });
  const correct =
    "kubectl -n shop edit deployment/mailer  # if the role is misspelt, correct it in the pod template: did you mean shop-orders?";
  assert.deepEqual([pods[1]?.next, pods[1]?.furtherSteps], [correct, ["podrole aws trust"]]);
  assert.deepEqual([refusals[0]?.next, refusals[0]?.furtherSteps], [correct, ["podrole aws trust"]]);
});

test("findLikelyCauses() names the pod's annotation that has the misspelt role", () => {
  const named = { ...denied, roleAnnotation: "iam.amazonaws.com/role.app" };
  const { pods } = findLikelyCauses({ pods: [podRow(), named], refusals: [], trust: [] }, UI_NOW);
  assert.match(
    pods[1]?.next ?? "",
    /# if the role is misspelt, correct annotation iam\.amazonaws\.com\/role\.app in the/,
  );
});

test("findLikelyCauses() suggests nothing that the server has not issued in this account, that is held too, and for other codes", () => {
  const cases = [
    [denied],
    [podRow({ expires: at(-1) }), denied],
    // As a pod reports it itself, and as the server has issued it for another account.
    [reportedRow, denied],
    [podRow({ role: "arn:aws:iam::666666666666:role/shop-orders" }), denied],
    [podRow(), { ...denied, role: uiRoleArn("payroll") }],
    [podRow(), { ...denied, role: uiRoleArn("shop-orders") }],
    [podRow(), { ...denied, code: "STS_THROTTLED" }],
  ];
  for (const pods of cases) {
    assert.deepEqual(
      findLikelyCauses({ pods, refusals: [], trust: [] }, UI_NOW).similarRoles,
      {},
      JSON.stringify(pods),
    );
  }
});

test("findLikelyCauses() gives a container the reason and the commands of the server's own record", () => {
  const { pods } = findLikelyCauses({ pods: [denied], refusals: [record], trust: [] }, UI_NOW);
  assert.deepEqual([pods[0]?.message, pods[0]?.next], [record.message, "podrole aws trust"]);
  const left = { ...denied, message: "Cannot assume role: as the sidecar says" };
  const both = findLikelyCauses({ pods: [left], refusals: [record], trust: [] }, UI_NOW);
  assert.deepEqual([both.pods[0]?.message, both.pods[0]?.next], [left.message, "podrole aws trust"]);
  const others = [
    { ...record, container: "other" },
    { ...record, code: "STS_INVALID" },
    { ...record, from: "event" as const },
  ];
  const unchanged = findLikelyCauses({ pods: [denied], refusals: others, trust: [] }, UI_NOW);
  assert.deepEqual(unchanged.pods, [denied]);
});

test("findLikelyCauses() finds pods that should have renewed since the current CA began to sign, and have not", () => {
  const silent = podRow({ renewed: at(-50 * MINUTE), expires: at(10 * MINUTE) });
  const { pods, earlierCaPods } = findLikelyCauses(
    { pods: [silent], refusals: [], trust: signingSince(at(-40 * MINUTE)) },
    UI_NOW,
  );
  assert.deepEqual(earlierCaPods, ["shop/orders-7d9f4-x2x4q"]);
  assert.match(
    pods[0]?.message ?? "",
    /^Probably its sidecar trusts only an earlier CA, .*overdue, .*SERVER_UNTRUSTED/,
  );
  assert.match(pods[0]?.next ?? "", /^kubectl -n shop logs pod\/orders-7d9f4-x2x4q -c podrole-sidecar/);
  assert.match(
    pods[0]?.furtherSteps?.[0] ?? "",
    /^kubectl -n shop rollout restart deployment\/orders {2}# replaces all of its pods, a few at a time$/,
  );
});

test("findLikelyCauses() does not name the CA if the pod has renewed, need not yet, or was answered by the server", () => {
  const silent = podRow({ renewed: at(-50 * MINUTE), expires: at(10 * MINUTE) });
  const cases = [
    [silent, at(-55 * MINUTE)],
    [{ ...silent, expires: at(50 * MINUTE) }, at(-40 * MINUTE)],
    [{ ...silent, code: "STS_UNAVAILABLE" }, at(-40 * MINUTE)],
    [{ ...silent, phase: "terminating" as const }, at(-40 * MINUTE)],
    [withoutCredentials, at(-40 * MINUTE)],
  ] as const;
  for (const [row, since] of cases) {
    const found = findLikelyCauses({ pods: [row], refusals: [], trust: signingSince(since) }, UI_NOW);
    assert.deepEqual([found.earlierCaPods, found.pods], [[], [row]], JSON.stringify([row, since]));
  }
  assert.deepEqual(findLikelyCauses({ pods: [silent], refusals: [], trust: [] }, UI_NOW).earlierCaPods, []);
});
