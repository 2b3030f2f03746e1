// Reading an answer about the server's state: what it accepts, and what a damaged or hostile answer becomes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeStatePage } from "../../../src/protocol/state/decode.ts";
import { exampleHolding, examplePage, examplePod, exampleRefusal } from "./pages.ts";

function decoded(page: unknown) {
  const result = decodeStatePage(JSON.stringify(page));
  assert.ok(result.ok, result.ok ? "" : result.problem);
  return result.value;
}

test("decodeStatePage() returns every field of a page", () => {
  const page = examplePage("podrole-server-a", { namespace: "shop", next: "shop/orders-1" });
  assert.deepEqual(decoded(page), { page, ignored: 0 });
  const unknown = examplePod({ containers: [], unknownSince: "2026-01-01T08:00:00.000Z" });
  assert.deepEqual(decoded({ ...page, pods: [unknown] }).page.pods, [unknown]);
});

test("decodeStatePage() ignores fields that it does not know", () => {
  const page = examplePage("podrole-server-a");
  assert.deepEqual(decoded({ ...page, later: { added: true } }).page, page);
});

test("decodeStatePage() leaves out an account that is none", () => {
  const page = examplePage("podrole-server-a");
  for (const account of ["12345678901", "123456789012; rm", 123456789012]) {
    assert.equal(decoded({ ...page, replica: { ...page.replica, account } }).page.replica.account, undefined);
  }
});

const REFUSED: readonly (readonly [string, string, RegExp])[] = [
  ["no JSON", "<html>", /is not a JSON object/],
  ["an array", "[]", /is not a JSON object/],
  ["a newer version", JSON.stringify({ ...examplePage("a"), version: 2 }), /has version 2; expected 1/],
  ["no version", "{}", /has version none/],
  ["no replica", JSON.stringify({ version: 1 }), /does not name the replica/],
];

for (const [name, text, problem] of REFUSED) {
  test(`decodeStatePage() refuses ${name}`, () => {
    const result = decodeStatePage(text);
    assert.ok(!result.ok);
    assert.match(result.problem, problem);
  });
}

test("decodeStatePage() leaves out rows that do not have the form, and counts them", () => {
  const pods = [examplePod(), { ...examplePod(), uid: 7 }, "pod", null];
  const rows = [exampleRefusal(), { ...exampleRefusal(), time: "yesterday" }];
  const { page, ignored } = decoded({
    ...examplePage("a"),
    pods,
    refusals: { recordedSince: "2026-01-01T08:00:00Z", rows },
  });
  assert.deepEqual(page.pods, [examplePod()]);
  assert.deepEqual(page.refusals?.rows, [exampleRefusal()]);
  assert.equal(ignored, 4);
});

test("decodeStatePage() cuts texts, bounds lists and rewrites times", () => {
  const holding = exampleHolding({ role: "r".repeat(5_000), since: "2026-01-01T10:00:00+01:00" });
  const containers = Array.from({ length: 300 }, () => holding);
  const [pod] = decoded({ ...examplePage("a"), pods: [{ ...examplePod(), containers }] }).page.pods;
  assert.equal(pod?.containers.length, 256);
  assert.equal(pod?.containers[0]?.role?.length, 1_024);
  assert.equal(pod?.containers[0]?.since, "2026-01-01T09:00:00.000Z");
  const sources = decoded({
    ...examplePage("a"),
    pods: [examplePod({ containers: [{ ...holding, source: "x" as "issued" }] })],
  });
  assert.equal(sources.page.pods[0]?.containers[0]?.source, "reported");
});

test("decodeStatePage() never throws, whatever one field of a page is", () => {
  const values = [null, 0, -1, 1.5, 1e308, "", "x", [], [null], {}, { a: [] }, true];
  const replaceEach = (value: unknown, put: (changed: unknown) => unknown): void => {
    for (const other of values) decodeStatePage(JSON.stringify(put(other)));
    if (Array.isArray(value)) {
      for (const [index, entry] of value.entries()) replaceEach(entry, (changed) => put(value.with(index, changed)));
    } else if (typeof value === "object" && value !== null) {
      for (const [key, entry] of Object.entries(value)) {
        replaceEach(entry, (changed) => put({ ...value, [key]: changed }));
      }
    }
  };
  let pages = 0;
  replaceEach(examplePage("a"), (changed) => {
    pages += 1;
    return changed;
  });
  assert.ok(pages > 500);
});
