import assert from "node:assert/strict";
import { test } from "node:test";
import { createLru } from "../../src/policy/lru.ts";

test("createLru() evicts the least recently used entries when the budget is spent", () => {
  const lru = createLru<number>(10);
  lru.set("a", 1, 4);
  lru.set("b", 2, 4);
  assert.equal(lru.get("a"), 1);
  lru.set("c", 3, 4);
  assert.deepEqual([lru.get("a"), lru.get("b"), lru.get("c")], [1, undefined, 3]);
});

test("createLru() counts a replaced value once", () => {
  const lru = createLru<number>(10);
  for (let value = 0; value < 20; value++) lru.set("a", value, 6);
  lru.set("b", 1, 4);
  assert.deepEqual([lru.get("a"), lru.get("b")], [19, 1]);
});

test("createLru() evicts nothing for a value that can never fit", () => {
  const lru = createLru<number>(10);
  lru.set("a", 1, 5);
  lru.set("b", 2, 11);
  assert.deepEqual([lru.get("a"), lru.get("b")], [1, undefined]);
});
