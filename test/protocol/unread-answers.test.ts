import assert from "node:assert/strict";
import { test } from "node:test";
import { createUnreadAnswers } from "../../src/protocol/unread-answers.ts";
import { fc } from "../property.ts";

function setUp(limits: Parameters<typeof createUnreadAnswers>[0]) {
  const unread = createUnreadAnswers(limits);
  const closed: string[] = [];
  const add = (name: string, caller: string, bytes: number) =>
    unread.add({ caller, bytes, close: () => void closed.push(name) });
  return { unread, closed, add };
}

test("createUnreadAnswers() closes the oldest answers, and none that is small", () => {
  const { unread, closed, add } = setUp({ total: 100 });
  add("small", "a", 1);
  add("first", "b", 40);
  const read = add("read", "c", 40);
  read();
  add("second", "d", 40);
  assert.deepEqual([closed, unread.bytes()], [[], 81]);
  // The caller that holds most is not the one that does not read.
  add("newest", "e", 59);
  assert.deepEqual([closed, unread.bytes()], [["first"], 100]);
});

test("createUnreadAnswers() closes answers of a caller that holds more than its share, and of no other", () => {
  const { closed, add } = setUp({ total: 1_000, perCaller: 100 });
  add("other", "b", 90);
  add("first", "a", 60);
  add("second", "a", 60);
  assert.deepEqual(closed, ["first"]);
  add("too large", "c", 101);
  assert.deepEqual(closed, ["first", "too large"]);
});

test("createUnreadAnswers() never holds more than its limits, and closes no answer twice or after its end", () => {
  const step = fc.tuple(fc.constantFrom("add", "add", "end"), fc.nat({ max: 3 }), fc.nat({ max: 60 }));
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const unread = createUnreadAnswers({ total: 100, perCaller: 70 });
      const open = new Map<number, { readonly caller: number; readonly bytes: number; end?: () => void }>();
      for (const [id, [kind, caller, bytes]] of steps.entries()) {
        if (kind === "add") {
          const answer: { caller: number; bytes: number; end?: () => void } = { caller, bytes };
          open.set(id, answer);
          answer.end = unread.add({ caller: `${caller}`, bytes, close: () => assert.ok(open.delete(id)) });
        } else {
          const [chosen] = [...open].slice(bytes % Math.max(open.size, 1));
          if (chosen === undefined) continue;
          open.delete(chosen[0]);
          chosen[1].end?.();
        }
        const sum = [...open.values()].reduce((total, each) => total + each.bytes, 0);
        assert.equal(unread.bytes(), sum);
        assert.ok(sum <= 100);
      }
    }),
  );
});
