import assert from "node:assert/strict";
import { test } from "node:test";
import { placeMap } from "../../ui/model/layout.ts";
import { blockedRows } from "../../ui/model/maker.ts";
import { identityMapOf } from "../../ui/model/map.ts";
import { totalOf, worstState } from "../../ui/model/state.ts";
import { largeSnapshot, podRow, smallSnapshot, UI_NOW, uiRoleArn } from "./snapshots.ts";

const mapOf = ({ pods, refusals }: Pick<ReturnType<typeof smallSnapshot>, "pods" | "refusals">, now = UI_NOW) =>
  identityMapOf({ rows: [...pods, ...blockedRows(refusals, now)], now });

test("identityMapOf() makes one node of a workload's pods, and arrows from namespace to role", () => {
  const { nodes, edges } = mapOf({ pods: [podRow(), podRow({ pod: "orders-7d9f4-other", uid: "u-2" })], refusals: [] });
  assert.deepEqual(
    nodes.map(({ column, title, note, counts }) => [column, title, note, counts]),
    [
      ["namespace", "shop", "", { holding: 2 }],
      ["workload", "orders", "Deployment", { holding: 2 }],
      ["container", "app", "2 pods · renews in 5 min", { holding: 2 }],
      ["role", "shop-orders", "2 containers", { holding: 2 }],
    ],
  );
  assert.deepEqual(
    edges.map(({ counts }) => counts),
    [{ holding: 2 }, { holding: 2 }, { holding: 2 }],
  );
});

test("identityMapOf() shows a workload whose pods were refused at admission, and puts the worst first", () => {
  const { nodes } = mapOf(smallSnapshot());
  const workloads = nodes.filter(({ column }) => column === "workload");
  assert.equal(workloads[0]?.title, "lake");
  const intruder = workloads.find(({ title }) => title === "intruder");
  assert.deepEqual([intruder?.note, intruder && worstState(intruder.counts)], ["Deployment", "blocked"]);
  const none = nodes.find(({ title }) => title === "no pod was created");
  assert.deepEqual(
    [none?.column, none?.note, none?.code, none?.href],
    ["container", "blocked", "ROLE_FORBIDDEN", "#/refusals/ROLE_FORBIDDEN?ns=shop&q=intruder"],
  );
});

test("identityMapOf() leaves out a workload whose pods are no longer refused", () => {
  const { refusals } = smallSnapshot();
  const { nodes } = mapOf({ pods: [], refusals }, UI_NOW + 21 * 60_000);
  assert.deepEqual(nodes, []);
});

test("identityMapOf() leads from a container of several pods to the pod in which it is worst", () => {
  const { nodes } = mapOf({
    pods: [podRow(), podRow({ pod: "orders-7d9f4-bad", uid: "u-2", expires: new Date(UI_NOW - 1).toISOString() })],
    refusals: [],
  });
  assert.equal(nodes.find(({ column }) => column === "container")?.href, "#/pod/shop/orders-7d9f4-bad");
});

test("identityMapOf() writes beside a container its state and until when it holds credentials, or when it renews", () => {
  const { nodes, totals } = mapOf(smallSnapshot());
  const notes = nodes.flatMap(({ column, counts, note, detail, code = "-" }) =>
    column === "container" ? [[worstState(counts), note, detail, code].join(": ")] : [],
  );
  for (const expected of [
    "expired: expired 4 min ago: 4 min ago: STS_UNAVAILABLE",
    "refused: refused: : STS_DENIED",
    "blocked: blocked: : ROLE_FORBIDDEN",
    "failing: not renewed · 6 min left: 6 min left: STS_THROTTLED",
    "bare: not injected: : -",
    "starting: waiting: : -",
    "leaving: terminating: : -",
    "holding: renews in 5 min: renews in 5 min: -",
    "overdue: overdue · 11 min left: 11 min left: -",
  ]) {
    assert.ok(notes.includes(expected), `${expected} is not in ${notes.join(", ")}`);
  }
  assert.deepEqual(totals, { namespace: 4, workload: 12, container: 14, role: 11 });
});

test("identityMapOf() says how many pods of a workload are in the worst state", () => {
  const noteOf = (codes: readonly string[]) => {
    const rows = ["a", "b", "c"].map((pod, index) => podRow({ pod, ...(codes[index] && { code: codes[index] }) }));
    return mapOf({ pods: rows, refusals: [] }).nodes.find(({ column }) => column === "container")?.note;
  };
  assert.equal(noteOf(["STS_THROTTLED"]), "1 of 3 pods · not renewed · 35 min left");
  assert.equal(noteOf(["STS_THROTTLED", "STS_DENIED", "STS_DENIED"]), "3 pods · not renewed · 35 min left");
});

test("placeMap() keeps the worst first, and what belongs to a node together", () => {
  const { nodes } = placeMap(mapOf(smallSnapshot()), 1_200);
  const titles = (column: string) =>
    nodes
      .filter((node) => node.column === column)
      .toSorted((a, b) => a.y - b.y)
      .map(({ title }) => title);
  assert.deepEqual(titles("namespace"), ["data", "shop", "legacy", "payroll"]);
  assert.deepEqual(titles("workload").slice(0, 6), ["lake", "old", "etl", "mailer", "intruder", "cart"]);
  assert.deepEqual(titles("role").slice(0, 3), ["data-lake", "shared-reports", "shop-mial"]);
});

test("identityMapOf() joins a role that containers of several namespaces hold", () => {
  const { nodes, edges } = mapOf(smallSnapshot());
  const shared = nodes.find(({ title }) => title === "shared-reports");
  assert.equal(edges.filter(({ to }) => to === shared?.id).length, 2);
});

test("identityMapOf() keeps names of the cluster as they are, and links by escaped ones", () => {
  const name = '<img src=x onerror="alert(1)">\u202e';
  const { nodes } = mapOf({ pods: [podRow({ namespace: name, container: name })], refusals: [] });
  assert.equal(nodes[0]?.title, name);
  assert.match(nodes[0]?.href ?? "", /^#\/map\?ns=%3Cimg/);
});

test("identityMapOf() becomes an overview of namespaces and roles when there are too many containers", () => {
  const { columns, nodes, edges, hidden } = mapOf(largeSnapshot(5_000, 500));
  assert.deepEqual(columns, ["namespace", "role"]);
  assert.equal(nodes.length, 80);
  assert.deepEqual(hidden, { namespace: 10, role: 460 });
  assert.ok(edges.length > 0);
});

test("identityMapOf() counts in an overview what the whole map counts, and shows blocked namespaces", () => {
  const blocked = smallSnapshot().refusals.filter(({ code }) => code === "ROLE_FORBIDDEN");
  const { pods } = largeSnapshot(41, 1);
  const { nodes, edges, columns } = mapOf({ pods, refusals: blocked });
  assert.deepEqual(columns, ["namespace", "role"]);
  assert.deepEqual(nodes.find(({ title }) => title === "team-role-0")?.counts, { failing: 1, overdue: 3, holding: 37 });
  // Of the 42 namespaces 40 are drawn.
  const total = (each: readonly Parameters<typeof totalOf>[0][]) =>
    each.reduce((sum, counts) => sum + totalOf(counts), 0);
  const drawn = nodes.filter(({ column }) => column === "namespace").map(({ counts }) => counts);
  assert.deepEqual([total(edges.map(({ counts }) => counts)), total(drawn)], [40, 40]);
  assert.deepEqual(nodes.find(({ title }) => title === "shop")?.counts, { blocked: 1 });
  assert.equal(nodes[1]?.href, `#/map?ns=${nodes[1]?.title}`);
});

test("placeMap() keeps the nodes of each column in its column, without overlaps", () => {
  for (const map of [mapOf(smallSnapshot()), mapOf(largeSnapshot(5_000, 500))]) {
    const placed = placeMap(map, 1_200);
    for (const { name, x, width } of placed.columns) {
      const column = placed.nodes.filter((node) => node.column === name).toSorted((a, b) => a.y - b.y);
      for (const [index, node] of column.entries()) {
        assert.deepEqual([node.x, node.width], [x, width]);
        const next = column[index + 1];
        assert.ok(node.y >= 0 && (next === undefined || next.y >= node.y + node.height), node.id);
      }
      assert.ok(x + width <= 1_200.001);
    }
    assert.equal(placed.edges.length, map.edges.length);
    for (const { isToRole, to } of placed.edges) {
      assert.equal(isToRole, placed.nodes.find(({ id }) => id === to)?.column === "role");
    }
  }
});

test("placeMap() places a map without nodes, and a namespace without a role", () => {
  assert.deepEqual(placeMap(mapOf({ pods: [], refusals: [] }), 800).nodes, []);
  const { role: _, ...bare } = podRow();
  const placed = placeMap(mapOf({ pods: [bare], refusals: [] }), 800);
  assert.equal(placed.nodes.length, 3);
  assert.ok(!placed.nodes.some(({ id }) => id.includes(uiRoleArn(""))));
});
