// What the page says about a container that lacks what it needs, and about repeated lines and calls.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  causeMessage,
  equalRefusals,
  holderOf,
  messageParts,
  nextCommandsOf,
  refusalStateOf,
  refusalWorstFirst,
  rowsByCause,
  rowsByPod,
  stateInMessage,
} from "../../ui/model/cause.ts";
import { blockedRows } from "../../ui/model/maker.ts";
import { equalSteps, withCaller } from "../../ui/model/steps.ts";
import { stsChartOf } from "../../ui/model/sts-chart.ts";
import { whyOf } from "../../ui/model/why.ts";
import { podRow, smallSnapshot, UI_NOW, uiRoleArn } from "./snapshots.ts";

const SECOND = 1_000;

test("causeMessage() leaves out the remedy that is shown beside it", () => {
  const code = "STS_DENIED";
  assert.equal(causeMessage({ code, message: "Cannot -- Do it" }, "Do it"), "Cannot");
  assert.equal(causeMessage({ code, message: "Cannot -- Do it" }, "Do that"), "Cannot -- Do it");
  assert.equal(causeMessage({ code }, "Do it"), undefined);
  assert.match(causeMessage({ requestedRole: "shop-x" }, undefined) ?? "", /names shop-x now/);
});

test("messageParts() makes a list of the reasons in parentheses at the end, and leaves other messages alone", () => {
  assert.deepEqual(messageParts("Cannot assume role x: AccessDenied (the first; the second)"), {
    text: "Cannot assume role x: AccessDenied",
    reasons: ["the first", "the second"],
  });
  // The remedy that a sidecar puts behind it has its own place.
  assert.deepEqual(messageParts("Cannot: no (a; b) -- Find out: is it `c`?"), {
    text: "Cannot: no",
    reasons: ["a", "b"],
  });
  assert.deepEqual(messageParts("Cannot: AccessDenied (the first; the sec").reasons, ["the first", "the sec …"]);
  for (const message of ["Cannot: (a; c) b", "Cannot: a (b)", "Cannot: a", ""]) {
    assert.deepEqual(messageParts(message), { text: message, reasons: [] });
  }
});

test("stateInMessage() leaves out what could not be done", () => {
  assert.equal(
    stateInMessage('Cannot give role arn:aws:iam::1:role/x to pod "a/b": it is not permitted'),
    "it is not permitted",
  );
  // As a sidecar writes it when it ends.
  const ended = 'container "app": Cannot assume role arn:aws:iam::1:role/x: AccessDenied';
  for (const message of [ended, ended.replace("container", "Container")]) {
    assert.equal(stateInMessage(message), "AccessDenied");
  }
  assert.equal(stateInMessage("anything else: x"), "anything else: x");
});

test("rowsByCause() puts containers of one pod together that have the same cause", () => {
  const refused = { code: "STS_DENIED", message: "Cannot", role: "arn:aws:iam::1:role/x" };
  const rows = [
    podRow({ ...refused, container: "a" }),
    podRow({ container: "b" }),
    podRow({ ...refused, container: "c" }),
  ];
  assert.deepEqual(
    rowsByCause(rows).map((group) => group.map(({ container }) => container)),
    [["a", "c"], ["b"]],
  );
});

test("equalRefusals() counts refusals that differ in the pod alone, and keeps others apart", () => {
  const { refusals } = smallSnapshot();
  const unavailable = refusals.filter(({ code }) => code === "STS_UNAVAILABLE");
  assert.deepEqual(
    equalRefusals(unavailable).map(({ rows, count }) => [rows[0].pod, rows.length, count]),
    [
      ["lake-0", 1, 12],
      ["etl-5f4d-c2xkw", 4, 14],
    ],
  );
  const [first] = refusals;
  assert.ok(first);
  const named = (pod: string, text = "") => ({
    ...first,
    pod,
    message: `Cannot give it to pod "shop/${pod}": no${text}`,
  });
  assert.equal(equalRefusals([named("a-1"), named("a-2")]).length, 1);
  assert.equal(equalRefusals([named("a-1"), named("a-2", "ne")]).length, 2);
});

test("refusalWorstFirst() puts what still holds before what is over", () => {
  const { pods, refusals } = smallSnapshot();
  const sorted = refusals.toSorted((a, b) => refusalWorstFirst(a, b, { pods: rowsByPod(pods), now: UI_NOW }));
  assert.deepEqual(sorted.map(({ code }) => code).slice(0, 4), [
    "STS_UNAVAILABLE",
    "STS_DENIED",
    "ROLE_FORBIDDEN",
    "STS_THROTTLED",
  ]);
});

test("whyOf() says in a short sentence why a container lacks what it needs", () => {
  const { pods, briefs } = smallSnapshot();
  const whys = new Map(pods.map((row) => [row.pod, whyOf(row, { briefs, similarRoles: {} }, UI_NOW)]));
  assert.equal(whys.get("mailer-6f7d9-hx5pl"), "AWS does not give the role to podrole's server.");
  assert.equal(whys.get("importer-1"), "The pod names a role and has no podrole-sidecar.");
  assert.match(whys.get("export-6b7c9-4tq8w") ?? "", /renewal should have come/);
  const { refusals } = smallSnapshot();
  const [intruder] = blockedRows(refusals, UI_NOW);
  assert.ok(intruder);
  assert.equal(whyOf(intruder, { briefs, similarRoles: {} }, UI_NOW), "Namespace shop does not permit payroll-admin.");
  const earlierCa = { message: "Probably its sidecar", expires: new Date(UI_NOW - SECOND).toISOString() };
  assert.equal(
    whyOf(podRow(earlierCa), { briefs, similarRoles: {} }, UI_NOW),
    "Its credentials have expired: probably its sidecar trusts only an earlier CA.",
  );
  assert.equal(whys.get("payouts-0"), undefined);
  for (const why of whys.values()) assert.ok((why ?? "").length < 90, String(why));
  const mailer = pods.find(({ pod }) => pod === "mailer-6f7d9-hx5pl");
  assert.ok(mailer);
  const similarRoles = { [uiRoleArn("shop-mial")]: uiRoleArn("shop-mail") };
  assert.equal(whyOf(mailer, { briefs, similarRoles }, UI_NOW), "Perhaps a misspelt role: containers hold shop-mail.");
});

test("equalSteps() counts equal lines where the last one was", () => {
  const line = (at: string, text: string) => ({ at, what: "refused", text });
  const steps = equalSteps([line("1", "a"), line("2", "b"), line("3", "a")]);
  assert.deepEqual(
    steps.map(({ at, since, text, count }) => [at, since, text, count]),
    [
      ["2", "2", "b", 1],
      ["3", "1", "a", 2],
    ],
  );
});

test("stsChartOf() places the minutes of the last hour on an axis of time, and leaves out others", () => {
  const minute = (ago: number, ok: number, failed: number) => ({
    at: new Date(UI_NOW - ago * 60 * SECOND).toISOString(),
    ok,
    failed,
  });
  const chart = stsChartOf([minute(61, 9, 9), minute(59, 12, 0), minute(0, 3, 20), minute(-2, 9, 9)], UI_NOW + SECOND);
  assert.deepEqual(
    chart.bars.map(({ left, ok, failed }) => [left, ok, failed]),
    [
      [0, 12, 0],
      [59 / 60, 3, 20],
    ],
  );
  assert.deepEqual([chart.ok, chart.failed, chart.counts.map(({ label }) => label)], [15, 20, ["0", "15", "30"]]);
  assert.deepEqual(
    chart.times.map(({ label }) => label),
    ["11:10", "11:20", "11:30", "11:40", "11:50", "12:00"],
  );
  assert.deepEqual(stsChartOf([], UI_NOW).bars, []);
});

test("stsChartOf() has no mark of time so near to an end that its text would stand beside the chart", () => {
  const { times } = stsChartOf([], Date.parse("2026-06-01T11:49:30Z"));
  assert.deepEqual(
    times.map(({ label }) => label),
    ["11:00", "11:10", "11:20", "11:30", "11:40"],
  );
});

test("withCaller() says what the mark of an admission's caller means", () => {
  assert.equal(withCaller("by alice (unproven) for x; a=b"), "by alice, as the request says, for x; a=b");
  assert.equal(withCaller("by alice for x (unproven)"), "by alice for x (unproven)");
});

test("holderOf() finds a container that holds the role, of the same workload if there is one", () => {
  const denied = podRow({ pod: "orders-new", role: uiRoleArn("shop-oders") });
  const other = podRow({ namespace: "a", workload: "Deployment/a", pod: "a-1" });
  const role = uiRoleArn("shop-orders");
  assert.equal(holderOf(role, denied, [denied, other])?.isOfWorkload, false);
  const found = holderOf(role, denied, [denied, other, podRow()]);
  assert.deepEqual([found?.isOfWorkload, found?.row.pod], [true, "orders-7d9f4-x2x4q"]);
  assert.equal(holderOf(uiRoleArn("none"), denied, [denied, other]), undefined);
});

test("nextCommandsOf() returns all commands of a row in their order", () => {
  assert.deepEqual(nextCommandsOf({}), []);
  assert.deepEqual(nextCommandsOf({ next: "a", furtherSteps: ["b", "c"] }), ["a", "b", "c"]);
});

test("refusalStateOf() tells whether a container still lacks its role, for the same reason", () => {
  const { pods, refusals } = smallSnapshot();
  const rows = rowsByPod(pods);
  const states = refusals.map((refusal) => refusalStateOf(refusal, rows, UI_NOW));
  assert.deepEqual(states, ["refused", "blocked", "expired", "failing", "over", "over", "over", "over"]);
  const time = new Date(UI_NOW).toISOString();
  const well = { namespace: "shop", pod: "orders-7d9f4-x2x4q", container: "app", code: "STS_THROTTLED", time };
  assert.equal(refusalStateOf(well, rows, UI_NOW), "over");
  assert.equal(refusalStateOf({ ...well, pod: "gone" }, rows, UI_NOW), "over");
  const worker = { ...well, pod: "cart-5c6b8-9qwzt", container: "worker" };
  assert.equal(refusalStateOf(worker, rows, UI_NOW), "failing");
  assert.equal(refusalStateOf({ ...worker, code: "STS_DENIED" }, rows, UI_NOW), "over");
  assert.equal(refusalStateOf({ ...worker, container: "web" }, rows, UI_NOW), "over");
  assert.equal(refusalStateOf({ ...well, namespace: "data", pod: "old-77-w" }, rows, UI_NOW), "over");
});

test("refusalStateOf() tells that pods of a workload are refused until its Event should have been repeated", () => {
  const refusal = { namespace: "shop", pod: "replicaset/intruder-6c9d7", container: "", code: "ROLE_FORBIDDEN" };
  const ago = (minutes: number) => new Date(UI_NOW - minutes * 60 * SECOND).toISOString();
  assert.equal(refusalStateOf({ ...refusal, time: ago(17) }, new Map(), UI_NOW), "blocked");
  assert.equal(refusalStateOf({ ...refusal, time: ago(21) }, new Map(), UI_NOW), "over");
});
