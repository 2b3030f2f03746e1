import assert from "node:assert/strict";
import { test } from "node:test";
import { pathOf } from "../../src/kubernetes/paths.ts";
import { fc } from "../property.ts";

test("pathOf() names one object or a collection", () => {
  assert.equal(pathOf("pods"), "/api/v1/pods");
  assert.equal(pathOf("pods", { namespace: "shop", name: "orders" }), "/api/v1/namespaces/shop/pods/orders");
  assert.equal(pathOf("namespaces", { name: "shop/a?b" }), "/api/v1/namespaces/shop%2Fa%3Fb");
});

for (const name of ["", ".", ".."]) {
  test(`pathOf() refuses ${JSON.stringify(name)} as a step`, () => {
    assert.throws(() => pathOf("serviceaccounts", { namespace: name, name: "orders" }), { code: "REQUEST_INVALID" });
    assert.throws(() => pathOf("serviceaccounts", { namespace: "shop", name }), { code: "REQUEST_INVALID" });
  });
}

test("pathOf() never leads a URL parser elsewhere", () => {
  const name = fc.oneof(
    fc.string({ unit: "grapheme" }),
    fc.constantFrom("..", "%2e%2e", ".%2E", "a/../b", "a?b", "a#b"),
  );
  fc.assert(
    fc.property(name, (namespace) => {
      let path: string;
      try {
        path = pathOf("serviceaccounts", { namespace, name: "orders" });
      } catch {
        return;
      }
      const { pathname, search, hash } = new URL(path, "https://localhost");
      assert.deepEqual([pathname, search, hash], [path, "", ""]);
    }),
  );
});
