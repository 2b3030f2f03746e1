import assert from "node:assert/strict";
import { test } from "node:test";
import { createLru } from "../../../src/runtime/lru.ts";
import { createLookupCache, type LookupEntry } from "../../../src/server/issue/lookup-cache.ts";
import { createFakeClock } from "../../fakes/clock.ts";

function setUp(capacity = 10) {
  const clock = createFakeClock();
  const calls: string[] = [];
  const lookUp = createLookupCache<number>({ clock }, { rememberMs: 5_000, capacity });
  return {
    clock,
    calls,
    ask: (key: string, work: () => Promise<number> = async () => calls.length, seen?: readonly unknown[]) =>
      lookUp(
        key,
        () => {
          calls.push(key);
          return work();
        },
        seen,
      ),
  };
}

test("createLookupCache() makes one look-up for all who wait, and returns it until it is too old", async () => {
  const { ask, clock, calls } = setUp();
  assert.deepEqual(await Promise.all([ask("a"), ask("a"), ask("b")]), [1, 1, 2]);
  await clock.advance(4_999);
  assert.equal(await ask("a"), 1);
  await clock.advance(1);
  assert.equal(await ask("a"), 3);
  assert.deepEqual(calls, ["a", "b", "a"]);
});

test("createLookupCache() counts the age from the answer, and does not repeat a failure", async () => {
  const { ask, clock, calls } = setUp();
  const slow = Promise.withResolvers<number>();
  const first = ask("a", () => slow.promise);
  await clock.advance(60_000);
  const second = ask("a");
  slow.resolve(7);
  assert.deepEqual(await Promise.all([first, second]), [7, 7]);
  assert.equal(await ask("a"), 7);
  await assert.rejects(
    ask("b", () => Promise.reject(new RangeError("down"))),
    RangeError,
  );
  assert.equal(await ask("b"), 3);
  assert.deepEqual(calls, ["a", "b", "b"]);
});

test("createLookupCache() drops the oldest result when there are too many", async () => {
  const { ask, calls } = setUp(2);
  for (const key of ["a", "b", "c", "c", "a"]) await ask(key);
  assert.deepEqual(calls, ["a", "b", "c", "a"]);
});

test("createLookupCache() looks up anew once a watch has seen another object, even while a look-up is in flight", async () => {
  const { ask, calls } = setUp();
  const [before, after] = [{}, {}];
  const slow = Promise.withResolvers<number>();
  const first = ask("a", () => slow.promise, [before, undefined]);
  assert.equal(await ask("a", undefined, [after, undefined]), 2);
  assert.equal(await ask("a", undefined, [after, undefined]), 2);
  assert.equal(await ask("a", undefined, [undefined, undefined]), 3);
  slow.resolve(7);
  assert.equal(await first, 7);
  assert.equal(await ask("a", undefined, [undefined, undefined]), 3);
  assert.deepEqual(calls, ["a", "a", "a"]);
});

test("createLookupCache() keeps no result that is too old once the next look-up begins", async () => {
  const clock = createFakeClock();
  const entries = createLru<LookupEntry<number>>(10_000);
  const lookUp = createLookupCache<number>({ clock }, { rememberMs: 5_000, capacity: 10_000 }, entries);
  for (const key of ["a", "b", "c"]) await lookUp(key, async () => 1);
  await clock.advance(4_000);
  await lookUp("d", async () => 1);
  await lookUp("a", async () => 1);
  assert.equal(entries.size, 4);
  await clock.advance(1_000);
  await lookUp("e", async () => 1);
  assert.deepEqual([...entries.keys()], ["d", "e"]);
});
