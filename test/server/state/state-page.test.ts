// One page of the state: which pods are on it, and how it is cut.
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeStatePage } from "../../../src/protocol/state/decode.ts";
import type { ContainerHolding } from "../../../src/protocol/state/model.ts";
import type { KnownPod } from "../../../src/server/issue/known-pod.ts";
import { composeStatePage, type StatePageInput } from "../../../src/server/state/state-page.ts";
import { exampleHolding, examplePage } from "../../protocol/state/pages.ts";

const { replica } = examplePage("podrole-server-a");

function knownPod(namespace: string, name: string, changes: Partial<KnownPod> = {}): KnownPod {
  const uid = `${namespace}/${name}`;
  const own = { namespace, name, uid, serviceAccount: "default", annotations: {}, labels: {}, containers: ["app"] };
  const instance = { uid, serviceAccount: "default", phase: "Running", hasFinished: false, uninjected: undefined };
  return { ...instance, facts: own, node: "node-1", sidecarRestarts: 2, ...changes };
}

const HOLDING: readonly ContainerHolding[] = [exampleHolding()];

function pageOf(input: Partial<StatePageInput>, maxBytes?: number) {
  const whole = { replica, known: [], holdingsOf: () => HOLDING, ...input };
  const decoded = decodeStatePage(composeStatePage(whole, maxBytes === undefined ? {} : { maxBytes }));
  assert.ok(decoded.ok);
  assert.equal(decoded.value.ignored, 0);
  return decoded.value.page;
}

test("composeStatePage() shows a pod with what its containers hold", () => {
  const { pods, podCount } = pageOf({ known: [knownPod("shop", "orders-1")] });
  assert.equal(podCount, 1);
  assert.deepEqual(pods, [
    {
      ...{ namespace: "shop", name: "orders-1", uid: "shop/orders-1", serviceAccount: "default" },
      ...{ node: "node-1", sidecarRestarts: 2, containers: HOLDING },
    },
  ]);
});

test("composeStatePage() says since when it is unknown what a pod holds", () => {
  const [pod] = pageOf({ known: [knownPod("shop", "orders-1")], holdingsOf: () => undefined }).pods;
  assert.deepEqual([pod?.containers, pod?.unknownSince], [[], replica.startedAt]);
});

test("composeStatePage() leaves out containers that the pod does not have", () => {
  const invented = exampleHolding({ container: "invented" });
  const [pod] = pageOf({ known: [knownPod("shop", "orders-1")], holdingsOf: () => [...HOLDING, invented] }).pods;
  assert.deepEqual(pod?.containers, HOLDING);
});

test("composeStatePage() leaves out pods that have finished, and pods that do not count as injected", () => {
  const known = [
    knownPod("shop", "a", { hasFinished: true }),
    knownPod("shop", "b", { uninjected: "no sidecar" }),
    knownPod("shop", "c", { uid: undefined }),
    knownPod("shop", "d"),
  ];
  const page = pageOf({ known });
  assert.deepEqual([page.podCount, page.pods.map(({ name }) => name)], [1, ["d"]]);
});

test("composeStatePage() shows the pods of one namespace alone", () => {
  const page = pageOf({ known: [knownPod("shop", "a"), knownPod("bank", "b")], namespace: "shop" });
  assert.deepEqual([page.namespace, page.podCount, page.pods.map(({ namespace }) => namespace)], ["shop", 1, ["shop"]]);
});

test("composeStatePage() cuts pages at their bytes, and shows each pod on one of them, in order", () => {
  const known = Array.from({ length: 300 }, (_, index) => knownPod(`n-${index % 7}`, `p-${index}`));
  const names: string[] = [];
  let after: string | undefined;
  let pages = 0;
  do {
    const input = { known: known.toReversed(), ...(after !== undefined && { after }) };
    const text = composeStatePage({ replica, holdingsOf: () => HOLDING, ...input }, { maxBytes: 10_000 });
    assert.ok(Buffer.byteLength(text) < 11_000, `${Buffer.byteLength(text)}`);
    const page = pageOf(input, 10_000);
    assert.equal(page.podCount, 300);
    names.push(...page.pods.map(({ namespace, name }) => `${namespace}/${name}`));
    after = page.next;
    pages += 1;
  } while (after !== undefined);
  assert.ok(pages > 5);
  assert.equal(new Set(names).size, 300);
  assert.deepEqual(names.length, 300);
});

test("composeStatePage() puts a pod that alone exceeds the bytes on a page of its own", () => {
  const known = [knownPod("shop", "a"), knownPod("shop", "b")];
  const page = pageOf({ known }, 10);
  assert.deepEqual([page.pods.map(({ name }) => name), page.next], [["a"], "shop/a"]);
});

test("composeStatePage() takes any text as a position", () => {
  const known = [knownPod("shop", "a")];
  for (const after of ["", "/", "zzz", "a/b/c", "é"]) assert.equal(pageOf({ known, after }).podCount, 1);
});
