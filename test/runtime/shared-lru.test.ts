import assert from "node:assert/strict";
import { test } from "node:test";
import { createSharedLru } from "../../src/runtime/shared-lru.ts";
import { fc } from "../property.ts";

test("createSharedLru() evicts the least recently used entry of the owner with most", () => {
  const evicted: string[] = [];
  const lru = createSharedLru<number>({ capacity: 4, onEvicted: (key, value) => evicted.push(`${key} ${value}`) });
  lru.set("old", 0, "few");
  for (const [value, key] of ["a", "b", "c"].entries()) lru.set(key, value, "many");
  assert.equal(lru.get("a"), 0);
  lru.set("d", 3, "many");
  assert.equal(lru.peek("c"), 2);
  lru.set("new", 4, "few");
  assert.deepEqual(evicted, ["b 1", "c 2"]);
  assert.deepEqual([...lru.keys()].toSorted(), ["a", "d", "new", "old"]);
});

test("createSharedLru() never has more than its capacity, and no owner evicts one that has not more than itself", () => {
  const steps = fc.array(fc.tuple(fc.nat({ max: 12 }), fc.nat({ max: 3 }), fc.boolean()), { maxLength: 80 });
  fc.assert(
    fc.property(steps, (sequence) => {
      const kept = new Map<string, string>();
      const sizeOf = (owner: string) => [...kept.values()].filter((each) => each === owner).length;
      const lru = createSharedLru<string>({
        capacity: 5,
        onEvicted(key, owner) {
          const sizes = [...new Set(kept.values())].map(sizeOf);
          assert.equal(sizeOf(owner), Math.max(...sizes));
          kept.delete(key);
        },
      });
      for (const [key, owner, isDeleted] of sequence) {
        if (isDeleted) {
          kept.delete(`${key}`);
          lru.delete(`${key}`);
          continue;
        }
        kept.set(`${key}`, `${owner}`);
        lru.set(`${key}`, `${owner}`, `${owner}`);
        assert.ok(lru.size <= 5);
      }
      assert.deepEqual(new Map(lru.entries()), kept);
    }),
  );
});
