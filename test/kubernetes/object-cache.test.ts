import assert from "node:assert/strict";
import { test } from "node:test";
import { type Change, createObjectCache } from "../../src/kubernetes/object-cache.ts";
import type { ObjectMeta } from "../../src/kubernetes/objects.ts";

interface Item {
  readonly metadata: ObjectMeta;
}

function createRecordedCache() {
  const errors: unknown[] = [];
  const cache = createObjectCache<Item, string>({
    project: ({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`,
    onListenerError: (error) => errors.push(error),
  });
  const changes: Change<string>[] = [];
  cache.onChange((change) => changes.push(change));
  return { cache, changes, errors };
}

function item(name: string, resourceVersion: string, namespace?: string): Item {
  return { metadata: { name, resourceVersion, ...(namespace !== undefined && { namespace }) } };
}

test("put() and remove() report the cached object before and after the change", () => {
  const { cache, changes } = createRecordedCache();
  cache.put(item("web", "1", "shop"));
  cache.put(item("web", "2", "shop"));
  cache.remove(item("web", "3", "shop"));
  assert.deepEqual(changes, [
    { key: "shop/web", before: undefined, after: "web@1" },
    { key: "shop/web", before: "web@1", after: "web@2" },
    { key: "shop/web", before: "web@2", after: undefined },
  ]);
  assert.equal(cache.get("shop/web"), undefined);
});

test("remove() of an unknown object reports nothing", () => {
  const { cache, changes } = createRecordedCache();
  cache.remove(item("web", "1"));
  assert.deepEqual(changes, []);
});

test("replaceAll() reports only differences", () => {
  const { cache, changes } = createRecordedCache();
  for (const name of ["a", "b", "c"]) cache.put(item(name, "1"));
  changes.length = 0;
  cache.replaceAll([item("a", "1"), item("b", "2"), item("d", "2")]);
  assert.deepEqual(cache.list(), ["a@1", "b@2", "d@2"]);
  assert.deepEqual(
    changes.map(({ key, before, after }) => [key, before, after]),
    [
      ["c", "c@1", undefined],
      ["b", "b@1", "b@2"],
      ["d", undefined, "d@2"],
    ],
  );
});

test("a listener that throws stops neither the others nor the cache", () => {
  const { cache, changes, errors } = createRecordedCache();
  const stop = cache.onChange(() => {
    throw new RangeError("no");
  });
  cache.onChange((change) => changes.push(change));
  cache.put(item("a", "1"));
  stop();
  cache.put(item("a", "2"));
  assert.equal(errors.length, 1);
  assert.equal(changes.length, 4);
});

test("project receives objects without managedFields and without kubectl's copy", () => {
  const seen: ObjectMeta[] = [];
  const cache = createObjectCache<Item, undefined>({
    project: ({ metadata }) => void seen.push(metadata),
    onListenerError: () => {},
  });
  const lastApplied = { "kubectl.kubernetes.io/last-applied-configuration": "{}" };
  cache.put({ metadata: { name: "a", managedFields: [{ manager: "kubectl" }] } });
  cache.put({ metadata: { name: "b", annotations: { ...lastApplied, team: "shop" } } });
  assert.deepEqual(seen, [{ name: "a" }, { name: "b", annotations: { team: "shop" } }]);
});
