import assert from "node:assert/strict";
import { test } from "node:test";
import { createObjectCache } from "../../src/kubernetes/object-cache.ts";
import type { ObjectMeta } from "../../src/kubernetes/objects.ts";

interface Item {
  readonly metadata: ObjectMeta;
}

/** A cache of "name@resourceVersion"; `projected` lists every object that it projected. */
function setUp() {
  const projected: string[] = [];
  const cache = createObjectCache<Item, string>({
    project({ metadata }) {
      const cached = `${metadata.name}@${metadata.resourceVersion}`;
      projected.push(cached);
      return cached;
    },
  });
  return { cache, projected };
}

function item(name: string, resourceVersion: string, namespace?: string): Item {
  return { metadata: { name, resourceVersion, ...(namespace !== undefined && { namespace }) } };
}

test("put() replaces the cached object, and remove() deletes it", () => {
  const { cache } = setUp();
  cache.put(item("web", "1", "shop"));
  assert.equal(cache.get("shop/web"), "web@1");
  cache.put(item("web", "2", "shop"));
  assert.equal(cache.get("shop/web"), "web@2");
  cache.remove(item("web", "3", "shop"));
  assert.equal(cache.get("shop/web"), undefined);
});

test("remove() of an unknown object leaves the others", () => {
  const { cache } = setUp();
  cache.put(item("web", "1"));
  cache.remove(item("other", "1"));
  assert.deepEqual(cache.list(), ["web@1"]);
});

test("replace() removes what is absent, and projects only objects with another version", () => {
  const { cache, projected } = setUp();
  for (const name of ["a", "b", "c"]) cache.put(item(name, "1"));
  projected.length = 0;
  const replacement = cache.replace();
  replacement.add([item("a", "1"), item("b", "2")]);
  replacement.add([item("d", "2")]);
  assert.deepEqual(cache.list(), ["a@1", "b@1", "c@1"]);
  replacement.finish();
  assert.deepEqual(cache.list(), ["a@1", "b@2", "d@2"]);
  assert.deepEqual(projected, ["b@2", "d@2"]);
});

test("listIn() returns the objects of one namespace after put(), remove() and replace()", () => {
  const { cache } = setUp();
  for (const namespace of ["shop", "other"]) cache.put(item("a", "1", namespace));
  cache.put(item("b", "1", "shop"));
  cache.put(item("a", "2", "shop"));
  assert.deepEqual(cache.listIn("shop"), ["a@2", "b@1"]);
  cache.remove(item("a", "3", "shop"));
  cache.remove(item("a", "2", "other"));
  assert.deepEqual([cache.listIn("shop"), cache.listIn("other"), cache.listIn("nowhere")], [["b@1"], [], []]);
  const replacement = cache.replace();
  replacement.add([item("c", "4", "other")]);
  assert.deepEqual([cache.listIn("shop"), cache.listIn("other")], [["b@1"], []]);
  replacement.finish();
  assert.deepEqual([cache.listIn("shop"), cache.listIn("other")], [[], ["c@4"]]);
});

test("createObjectCache() projects objects without managedFields and without kubectl's copy", () => {
  const seen: ObjectMeta[] = [];
  const cache = createObjectCache<Item, undefined>({ project: ({ metadata }) => void seen.push(metadata) });
  const lastApplied = { "kubectl.kubernetes.io/last-applied-configuration": "{}" };
  cache.put({ metadata: { name: "a", managedFields: [{ manager: "kubectl" }] } });
  cache.put({ metadata: { name: "b", annotations: { ...lastApplied, team: "shop" } } });
  assert.deepEqual(seen, [{ name: "a" }, { name: "b", annotations: { team: "shop" } }]);
});

/** A cache that keeps two objects of a namespace, "surplus" lists the namespaces that had more. */
function setUpShare() {
  const surplus: string[] = [];
  const cache = createObjectCache<Item, string>({
    project: ({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`,
    share: { bytesOf: (cached) => (cached.startsWith("large") ? 4_000 : 1_000), maxBytes: 3_500 },
    onSurplus: (namespace) => surplus.push(namespace),
  });
  return { cache, surplus };
}

test("put() keeps no object beyond its namespace's share, and says so once", () => {
  const { cache, surplus } = setUpShare();
  for (const name of ["a", "b", "c", "d"]) cache.put(item(name, "1", "shop"));
  cache.put(item("a", "1", "other"));
  assert.deepEqual(cache.list(), ["a@1", "b@1", "a@1"]);
  assert.deepEqual(surplus, ["shop"]);
});

test("put() forgets an object that has outgrown its namespace's share, rather than keep an earlier version", () => {
  const { cache } = setUpShare();
  cache.put(item("large", "1", "shop"));
  assert.equal(cache.get("shop/large"), undefined);
  const growing = createObjectCache<Item, string>({
    project: ({ metadata }) => String(metadata.resourceVersion),
    share: { bytesOf: (cached) => Number(cached), maxBytes: 1_000 },
  });
  growing.put(item("a", "100", "shop"));
  growing.put(item("a", "2000", "shop"));
  assert.equal(growing.get("shop/a"), undefined);
  assert.deepEqual(growing.listIn("shop"), []);
});

test("remove() makes room for another object of the namespace", () => {
  const { cache } = setUpShare();
  for (const name of ["a", "b", "c"]) cache.put(item(name, "1", "shop"));
  cache.remove(item("a", "1", "shop"));
  cache.remove(item("absent", "1", "shop"));
  cache.put(item("c", "1", "shop"));
  assert.deepEqual(cache.listIn("shop"), ["b@1", "c@1"]);
});

test("replace() counts the new content alone, and keeps no object beyond a share either", () => {
  const { cache, surplus } = setUpShare();
  for (const name of ["a", "b"]) cache.put(item(name, "1", "shop"));
  const replacement = cache.replace();
  replacement.add(["a", "c", "d"].map((name) => item(name, name === "a" ? "1" : "2", "shop")));
  replacement.finish();
  assert.deepEqual(cache.list(), ["a@1", "c@2"]);
  assert.deepEqual(surplus, ["shop"]);
  cache.remove(item("c", "2", "shop"));
  cache.put(item("d", "2", "shop"));
  assert.deepEqual(cache.list(), ["a@1", "d@2"]);
});
