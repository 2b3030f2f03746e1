import assert from "node:assert/strict";
import { test } from "node:test";
import { createFairQueue, type PodKey } from "../../../src/server/turns/fair-queue.ts";
import { fc } from "../../property.ts";

interface Item extends PodKey {
  readonly order: number;
}

function item(namespace: string, uid: string, order = 0): Item {
  return { namespace, uid, order };
}

test("take() gives namespaces turns, pods of one namespace turns, and a pod's items in their order", () => {
  const queue = createFairQueue<Item>(100);
  for (const order of [1, 2, 3]) queue.push(item("a", "p", order));
  queue.push(item("a", "q"));
  for (const order of [1, 2]) queue.push(item("b", "r", order));
  const taken = Array.from({ length: 7 }, () => queue.take());
  assert.deepEqual(
    taken.map((one) => one && `${one.namespace}${one.uid}${one.order}`),
    ["ap1", "br1", "aq0", "br2", "ap2", "ap3", undefined],
  );
});

test("push() drops the newest item of the pod with most items, and the new item itself when it is that", () => {
  const queue = createFairQueue<Item>(3);
  const [first, second, third] = [1, 2, 3].map((order) => item("a", "p", order));
  assert.ok(first && second && third);
  for (const one of [first, second, third]) assert.equal(queue.push(one), undefined);
  assert.equal(queue.push(item("b", "q")), third);
  const fourth = item("a", "p", 4);
  assert.equal(queue.push(fourth), fourth);
  assert.equal(queue.size, 3);
});

test("sizeOf() counts the items of one pod that wait, whether others were taken, deleted or dropped", () => {
  const queue = createFairQueue<Item>(4);
  const items = [1, 2, 3, 4].map((order) => item("a", "p", order));
  for (const one of items) queue.push(one);
  queue.push(item("b", "p"));
  assert.deepEqual([queue.sizeOf(item("a", "p")), queue.sizeOf(item("b", "p"))], [3, 1]);
  queue.take();
  for (const one of items.slice(1, 2)) queue.delete(one);
  assert.deepEqual([queue.sizeOf(item("a", "p")), queue.sizeOf(item("a", "q"))], [1, 0]);
});

test("createFairQueue() never loses an item, and never lets a pod wait for more than one item of each other pod", () => {
  const pushes = fc.array(fc.tuple(fc.constantFrom("a", "b", "c"), fc.constantFrom("1", "2", "3", "4")), {
    maxLength: 60,
  });
  fc.assert(
    fc.property(pushes, fc.integer({ min: 1, max: 40 }), (pods, capacity) => {
      const queue = createFairQueue<Item>(capacity);
      const present = new Set<Item>();
      for (const [order, [namespace, uid]] of pods.entries()) {
        const one = item(namespace, `${namespace}${uid}`, order);
        present.add(one);
        const dropped = queue.push(one);
        if (dropped) present.delete(dropped);
        assert.ok(queue.size === present.size && queue.size <= capacity);
      }
      const namespaces = new Set(Array.from(present, ({ namespace }) => namespace));
      const firstTaken: string[] = [];
      for (let taken = queue.take(); taken; taken = queue.take()) {
        assert.ok(present.delete(taken));
        firstTaken.push(taken.namespace);
      }
      assert.equal(present.size, 0);
      assert.equal(new Set(firstTaken.slice(0, namespaces.size)).size, namespaces.size);
    }),
  );
});

test("delete() removes an item once, and ignores one that is not in the queue", () => {
  const queue = createFairQueue<Item>(10);
  const one = item("a", "p");
  queue.push(one);
  queue.push(item("a", "q"));
  queue.delete(one);
  queue.delete(one);
  assert.equal(queue.size, 1);
  assert.equal(queue.take()?.uid, "q");
});

test("push() drops the newest item also after others of its pod were taken, deleted, and pushed again", () => {
  const queue = createFairQueue<Item>(3);
  const [first, second, third, fourth] = [1, 2, 3, 4].map((order) => item("a", "p", order));
  assert.ok(first && second && third && fourth);
  for (const one of [first, second, third]) queue.push(one);
  queue.delete(first);
  queue.push(first);
  assert.equal(queue.push(item("b", "q")), first);
  queue.delete(third);
  assert.equal(queue.push(fourth), undefined);
  assert.equal(queue.push(item("c", "r")), fourth);
  assert.equal(queue.take(), second);
});
