import assert from "node:assert/strict";
import { test } from "node:test";
import { createTurns } from "../../src/webhook/turns.ts";

const [SMALL, LARGE] = [1_000, 200_000];

/** Turns that the test advances with pass(); `order` lists the reviews whose turn has come. */
function setUp() {
  const tasks: (() => void)[] = [];
  const turns = createTurns({ nextTurn: (task) => tasks.push(task) });
  const order: string[] = [];
  const take = (name: string, caller: string, bytes: number) =>
    void turns.take(caller, bytes).then(() => order.push(name));
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  return {
    order,
    turns,
    take,
    settle,
    /** Lets every review have its turn. */
    pass: async () => {
      for (await settle(); tasks.length > 0; await settle()) tasks.shift()?.();
    },
  };
}

test("take() resolves at once while nobody waits, and once for each turn otherwise", async () => {
  const { order, take, settle, pass } = setUp();
  for (const name of ["1", "2"]) take(name, "a", SMALL);
  await settle();
  assert.deepEqual(order, ["1"]);
  await pass();
  take("3", "a", SMALL);
  await settle();
  assert.deepEqual(order, ["1", "2", "3"]);
});

test("take() lets callers have turns one after the other, however many reviews one of them has", async () => {
  const { order, take, pass } = setUp();
  for (let index = 0; index < 20; index++) take(`a${index}`, "a", SMALL);
  take("b", "b", SMALL);
  take("c", "c", SMALL);
  await pass();
  assert.deepEqual(order.slice(0, 5), ["a0", "a1", "b", "c", "a2"]);
  assert.equal(order.length, 22);
});

test("take() lets small reviews overtake large ones, and a large one have every eighth turn", async () => {
  const { order, take, pass } = setUp();
  take("first", "a", SMALL);
  for (let index = 0; index < 3; index++) take(`large${index}`, "a", LARGE);
  for (let index = 0; index < 20; index++) take("small", "b", SMALL);
  await pass();
  assert.deepEqual(
    order.flatMap((name, turn) => (name.startsWith("large") ? [turn] : [])),
    [7, 15, 23],
  );
});

test("take() rejects when its signal aborts, and gives that turn to the next review", async () => {
  const { order, take, pass, turns } = setUp();
  const controller = new AbortController();
  take("1", "a", SMALL);
  const left = turns.take("a", LARGE, controller.signal);
  take("2", "b", LARGE);
  controller.abort();
  await assert.rejects(left, { name: "AbortError" });
  await assert.rejects(turns.take("a", LARGE, controller.signal), { name: "AbortError" });
  await pass();
  assert.deepEqual(order, ["1", "2"]);
});
