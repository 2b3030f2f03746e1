// The numbers of the page's views agree with each other: in the cluster of the pictures, and in a large one.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { roleRows } from "../../src/operations/status/role-rows.ts";
import { rowsByPod } from "../../ui/model/cause.ts";
import { blockedRows, isMaker } from "../../ui/model/maker.ts";
import { identityMapOf } from "../../ui/model/map.ts";
import { whereabouts } from "../../ui/model/migration.ts";
import { refusalGroups, withLastCodes } from "../../ui/model/refusal-groups.ts";
import { statesByRole } from "../../ui/model/roles.ts";
import { searchRows } from "../../ui/model/search.ts";
import {
  countStates,
  holdStateOf,
  SEVERITIES,
  severityCount,
  severitySearch,
  stateSearch,
  totalOf,
} from "../../ui/model/state.ts";
import { stsChartOf } from "../../ui/model/sts-chart.ts";
import { MIGRATION, ROLE_USERS } from "./page-answers.ts";
import { largeSnapshot, smallSnapshot, UI_NOW, uiRoleArn } from "./snapshots.ts";

const MINUTE = 60_000;

for (const [name, snapshot] of [
  ["the pictures", smallSnapshot()],
  ["5 000 pods", largeSnapshot(5_000, 500)],
] as const) {
  suite(`numbers of the views, cluster of ${name}`, () => {
    const rows = [...snapshot.pods, ...blockedRows(snapshot.refusals, UI_NOW)];
    const counts = countStates(rows.map((row) => holdStateOf(row, UI_NOW)));

    test("the line below the navigation counts what its links find, and all rows of Pods", () => {
      assert.equal(totalOf(counts), rows.length);
      for (const severity of SEVERITIES) {
        const { length } = searchRows(rows, severitySearch(severity), UI_NOW);
        assert.equal(length, severityCount(counts, severity), severity);
      }
      for (const [state, count] of Object.entries(counts)) {
        assert.equal(searchRows(rows, stateSearch(state as keyof typeof counts), UI_NOW).length, count, state);
      }
    });

    test("the map has the namespaces, containers and roles of the lists", () => {
      const { totals, nodes, hidden } = identityMapOf({ rows, now: UI_NOW });
      assert.equal(totals.role, roleRows(rows).length);
      assert.equal(totals.namespace, new Set(rows.map(({ namespace }) => namespace)).size);
      if (totals.container !== undefined)
        assert.equal(totals.container, rows.filter(({ pod }) => !isMaker(pod)).length);
      const drawn = nodes.filter(({ column }) => column === "namespace");
      if (!hidden.namespace)
        assert.equal(
          drawn.reduce((sum, node) => sum + totalOf(node.counts), 0),
          rows.length,
        );
    });

    test("Roles has each container and each workload without a pod once", () => {
      const byRole = statesByRole(rows, UI_NOW);
      assert.equal(
        [...byRole.values()].reduce((sum, each) => sum + totalOf(each), 0),
        rows.length,
      );
      for (const row of roleRows(rows)) assert.equal(row.containers, totalOf(byRole.get(row.role) ?? {}), row.role);
    });

    test("Refusals has what lacks its role because of a code, and of each code what STS counts at least", () => {
      const all = withLastCodes(snapshot.refusals, snapshot.pods);
      const { current, over } = refusalGroups(all, { pods: rowsByPod(snapshot.pods), now: UI_NOW });
      const lacking = new Set(rows.flatMap(({ code }) => code ?? []));
      assert.deepEqual(new Set(current.map(({ code }) => code)), lacking);
      assert.equal(
        [...current, ...over].reduce((sum, { count }) => sum + count, 0),
        all.reduce((sum, { count }) => sum + count, 0),
      );
    });
  });
}

suite("numbers of STS and Migration, cluster of the pictures", () => {
  const { sts, refusals, pods, namespaces } = smallSnapshot();
  assert.ok(sts);
  const ofSts = refusals.filter(({ from, code }) => from === "server" && code.startsWith("STS_"));

  test("calls of the last hour failed as often as Refusals says, without those that were held back", () => {
    const { ok, failed } = stsChartOf(sts.minutes ?? [], UI_NOW);
    const refused = ofSts.reduce((sum, { count }) => sum + count, 0);
    assert.equal(failed, refused - sts.heldBack.pause - sts.heldBack.rate);
    const all = Object.values(sts.results).reduce((sum, count) => sum + count, 0);
    assert.ok(ok <= (sts.results["OK"] ?? 0) && failed <= all - (sts.results["OK"] ?? 0));
    for (const { code, count } of ofSts) assert.ok(count <= (sts.results[code] ?? 0) + sts.heldBack.pause, code);
  });

  test("calls fail in minutes in which Refusals has a refusal", () => {
    const spans = ofSts.map(({ since, time }) => [Date.parse(since ?? time) - MINUTE, Date.parse(time)] as const);
    for (const { at, failed } of sts.minutes ?? []) {
      const minute = Date.parse(at);
      assert.ok(failed === 0 || spans.some(([from, to]) => minute >= from && minute <= to), at);
    }
  });

  test("the hours since the servers' start have calls like the last hour", () => {
    const { replicas } = smallSnapshot();
    const hours = (UI_NOW - Date.parse(replicas[0]?.startedAt ?? "")) / (60 * MINUTE);
    const perHour = (sts.results["OK"] ?? 0) / hours;
    const { ok } = stsChartOf(sts.minutes ?? [], UI_NOW);
    assert.ok(ok > perHour / 2 && ok < perHour * 2, `${ok} in the last hour, ${perHour} in others`);
  });

  test("namespaces have calls of the pods that are there", () => {
    const known = new Set(pods.map(({ namespace }) => namespace));
    for (const { namespace } of sts.namespaces) assert.ok(known.has(namespace), namespace);
    assert.equal(Math.round(100 * sts.namespaces.reduce((sum, { share }) => sum + share, 0)), 100);
  });

  test("Migration counts the injected pods of Pods as moved, and every pod once", () => {
    const injected = new Set(
      pods.filter(({ phase }) => phase !== "not injected").map(({ namespace, pod }) => `${namespace}/${pod}`),
    );
    const { report, postponed, refused } = MIGRATION;
    assert.equal(report.moved, injected.size);
    assert.equal(
      whereabouts(MIGRATION).reduce((sum, { count }) => sum + count, 0),
      report.pods,
    );
    const { counts } = report;
    assert.equal(counts.refused + counts.needsWork + counts.changed + counts.unchanged, report.pods);
    assert.equal(
      refused.reduce((sum, each) => sum + each.pods, 0),
      counts.refused,
    );
    assert.ok(postponed.reduce((sum, move) => sum + move.pods, 0) >= counts.refused + counts.needsWork);
    // A workload of both views is of one kind, and has its pods.
    for (const { namespace, kind, name, pods: count } of refused) {
      const own = pods.filter((row) => row.namespace === namespace && row.workload?.endsWith(`/${name}`));
      for (const { workload } of own) assert.equal(workload, `${kind}/${name}`);
      if (own.length > 0) assert.equal(count, new Set(own.map(({ pod }) => pod)).size);
    }
  });

  test("a role's namespaces are those of the cluster, and those that hold it permit it", () => {
    assert.deepEqual(
      ROLE_USERS.map(({ namespace, isLabelled }) => `${namespace} ${isLabelled}`).toSorted(),
      namespaces.map(({ name, isLabelled }) => `${name} ${isLabelled}`).toSorted(),
    );
    const holding = pods.filter(({ role }) => role === uiRoleArn("shared-reports")).map(({ namespace }) => namespace);
    for (const namespace of holding) {
      assert.ok(
        ROLE_USERS.some((user) => user.namespace === namespace && user.isPermitted),
        namespace,
      );
    }
  });
});
