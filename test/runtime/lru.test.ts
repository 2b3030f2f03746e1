import assert from "node:assert/strict";
import { test } from "node:test";
import { createLru } from "../../src/runtime/lru.ts";

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

test("createLru() keeps `budget` entries if each has the default cost", () => {
  const lru = createLru<number>(2);
  for (const [value, key] of ["a", "b", "c"].entries()) lru.set(key, value);
  assert.deepEqual(
    [lru.size, [...lru.entries()]],
    [
      2,
      [
        ["b", 1],
        ["c", 2],
      ],
    ],
  );
});

test("entries() begins with the least recently used one and allows deletion; delete() frees its cost", () => {
  const lru = createLru<number>(3);
  for (const [value, key] of ["a", "b", "c"].entries()) lru.set(key, value);
  lru.get("a");
  const seen: string[] = [];
  for (const [key] of lru.entries()) {
    seen.push(key);
    if (key === "b") lru.delete(key);
  }
  assert.deepEqual(seen, ["b", "c", "a"]);
  lru.set("d", 4);
  assert.deepEqual([lru.size, lru.get("c")], [3, 2]);
});
