// One answer out of those of several replicas.
import assert from "node:assert/strict";
import { test } from "node:test";
import { mergeStatePages } from "../../../src/protocol/state/merge.ts";
import type { RefusalRecords, StatePage } from "../../../src/protocol/state/model.ts";
import { exampleHolding, examplePage, examplePod, exampleRefusal } from "./pages.ts";

const UNKNOWN = examplePod({ containers: [], unknownSince: "2026-01-01T08:00:00.000Z" });

function merged(...pages: StatePage[]) {
  const state = mergeStatePages(pages);
  assert.ok(state);
  return state;
}

test("mergeStatePages() returns nothing without a page", () => {
  assert.equal(mergeStatePages([]), undefined);
});

test("mergeStatePages() takes the later statement about a container, in any order", () => {
  const newer = exampleHolding({ code: "ROLE_FORBIDDEN", observedAt: "2026-01-01T10:30:00.000Z" });
  const a = examplePage("a");
  const b = examplePage("b", { pods: [examplePod({ containers: [newer] })] });
  for (const pages of [
    [a, b],
    [b, a],
  ])
    assert.deepEqual(merged(...pages).pods[0]?.containers, [newer]);
});

test("mergeStatePages() prefers what the server issued to a report of the same time", () => {
  const reported = exampleHolding({ source: "reported" });
  const [a, b] = [examplePage("a"), examplePage("b", { pods: [examplePod({ containers: [reported] })] })];
  for (const pages of [
    [a, b],
    [b, a],
  ])
    assert.equal(merged(...pages).pods[0]?.containers[0]?.source, "issued");
});

test("mergeStatePages() takes no report instead of what a server issued and has not expired, in any order", () => {
  const issued = exampleHolding({ expiresAt: "2026-01-01T12:00:00.000Z" });
  const reportAt = (observedAt: string) => exampleHolding({ source: "reported", role: "other", observedAt });
  for (const [observedAt, source] of [
    ["2026-01-01T11:59:59.000Z", "issued"],
    ["2026-01-01T12:00:00.000Z", "reported"],
  ] as const) {
    const pages = [issued, reportAt(observedAt)].map((held, index) =>
      examplePage(`r${index}`, { pods: [examplePod({ containers: [held] })] }),
    );
    for (const order of [pages, pages.toReversed()])
      assert.equal(merged(...order).pods[0]?.containers[0]?.source, source);
  }
});

test("mergeStatePages() keeps a pod unknown only if no replica knows it, since the last restart of one", () => {
  const later = examplePod({ containers: [], unknownSince: "2026-01-01T09:30:00.000Z" });
  const [a, b] = [examplePage("a", { pods: [UNKNOWN] }), examplePage("b", { pods: [later] })];
  assert.deepEqual(merged(a, b).pods, [later]);
  assert.deepEqual(merged(a, examplePage("c")).pods, [examplePod()]);
});

test("mergeStatePages() orders pods by namespace and name, and joins pages of one replica", () => {
  const names = [
    ["shop", "b"],
    ["billing", "z"],
    ["shop", "a"],
  ] as const;
  const pods = names.map(([namespace, name]) => examplePod({ namespace, name, uid: `${namespace}/${name}` }));
  const { refusals: _r, trust: _t, sts: _s, ...second } = examplePage("a", { pods: pods.slice(2) });
  const state = merged(examplePage("a", { pods: pods.slice(0, 2), next: "shop/b" }), second);
  assert.deepEqual(
    state.pods.map(({ uid }) => uid),
    ["billing/z", "shop/a", "shop/b"],
  );
  assert.equal(state.replicas.length, 1);
  assert.equal(state.sts?.results["OK"], 10);
});

test("mergeStatePages() changes nothing if an answer is merged twice", () => {
  const page = examplePage("a");
  assert.deepEqual(merged(page, page), merged(page));
});

test("mergeStatePages() counts equal refusals once, and reports them as complete from the latest beginning on", () => {
  const records: RefusalRecords = {
    recordedSince: "2026-01-01T09:00:00.000Z",
    rows: [
      exampleRefusal({ count: 5, time: "2026-01-01T10:35:00.000Z", reason: "the last" }),
      exampleRefusal({ container: "other", time: "2026-01-01T10:36:00.000Z" }),
    ],
  };
  const { refusals } = merged(examplePage("a"), examplePage("b", { refusals: records }));
  assert.equal(refusals?.recordedSince, "2026-01-01T09:00:00.000Z");
  assert.equal(refusals?.sharedAt, "2026-01-01T10:39:00.000Z");
  assert.deepEqual(
    refusals?.rows.map(({ container, count, reason, since }) => [container, count, reason, since]),
    [
      ["other", 3, exampleRefusal().reason, "2026-01-01T10:00:00.000Z"],
      ["app", 5, "the last", "2026-01-01T10:00:00.000Z"],
    ],
  );
});

test("mergeStatePages() adds the counts of STS of different replicas, and computes shares anew", () => {
  const sts = { ...examplePage("b").sts, namespaces: [{ namespace: "billing", calls: 8, share: 1 }] };
  const state = merged(examplePage("a"), examplePage("b", { sts: sts as NonNullable<StatePage["sts"]> }));
  assert.deepEqual(state.sts?.results, { OK: 20, STS_DENIED: 2 });
  assert.deepEqual(state.sts?.heldBack, { rate: 4, pause: 2 });
  assert.deepEqual(
    state.sts?.minutes?.map(({ ok, failed }) => [ok, failed]),
    [
      [6, 0],
      [4, 2],
    ],
  );
  assert.deepEqual(state.sts?.namespaces, [
    { namespace: "billing", calls: 10, share: 0.625 },
    { namespace: "shop", calls: 6, share: 0.375 },
  ]);
});

test("mergeStatePages() takes the CA of the newest answer, without one replica's serving certificate", () => {
  const [a, b] = [examplePage("a"), examplePage("b")];
  const newer = { ...b, replica: { ...b.replica, answeredAt: "2026-01-01T10:50:00.000Z" } };
  const trust = { ...newer.trust, leafSeconds: 60 } as NonNullable<StatePage["trust"]>;
  const state = merged(a, { ...newer, trust });
  assert.equal(state.trust?.leafSeconds, 60);
  assert.equal(state.trust?.servingExpiresAt, undefined);
  assert.equal(merged(a).trust?.servingExpiresAt, "2026-01-01T11:00:00.000Z");
});
