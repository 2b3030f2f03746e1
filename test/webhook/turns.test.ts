import assert from "node:assert/strict";
import { test } from "node:test";
import { createTurns } from "../../src/webhook/turns.ts";

const [SMALL, LARGE] = [1_000, 200_000];

interface Options {
  readonly costMs?: number;
  readonly precedes?: boolean;
}

/**
 * Turns that the test advances with pass(); `order` lists the reviews whose turn has come. A review takes `costMs` of
 * CPU time, 0 by default.
 */
function setUp() {
  const tasks: (() => void)[] = [];
  let usedMs = 0;
  const turns = createTurns({ nextTurn: (task) => tasks.push(task), cpuMs: () => usedMs });
  const order: string[] = [];
  const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
  function take(name: string, caller: string, weight: number, { costMs = 0, precedes = false }: Options = {}) {
    return turns.take({ caller, weight, precedes }).then(() => {
      usedMs += costMs;
      order.push(name);
    });
  }
  return {
    order,
    turns,
    take: (...review: Parameters<typeof take>) => void take(...review),
    usedMs: () => usedMs,
    settle,
    /** Addresses that each keep one review in flight: the next one follows as soon as the last has had its turn. */
    occupy: (addresses: number, costMs: number, isGoingOn: () => boolean) => {
      for (let address = 0; address < addresses; address++) {
        const again = (): void =>
          void take("stranger", `stranger ${address}`, SMALL, { costMs }).then(() => isGoingOn() && again());
        again();
      }
    },
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
  assert.deepEqual(order.slice(0, 6), ["a0", "a1", "b", "a2", "c", "a3"]);
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
  const left = turns.take({ caller: "a", weight: LARGE }, controller.signal);
  take("2", "b", LARGE);
  controller.abort();
  await assert.rejects(left, { name: "AbortError" });
  await assert.rejects(turns.take({ caller: "a", weight: LARGE }, controller.signal), { name: "AbortError" });
  await pass();
  assert.deepEqual(order, ["1", "2"]);
});

/**
 * Resolves with the CPU time until the last review of a burst of 20 has had its turn, beside strangers that have kept
 * one review in flight each for a while.
 */
async function burstBeside(addresses: number, costMs: number): Promise<number> {
  const { turns, take, occupy, pass, usedMs, order } = setUp();
  const caller = { caller: "API server", weight: SMALL };
  let beganMs = 0;
  let tookMs: number | undefined;
  occupy(addresses, costMs, () => {
    if (order.length === 10 * addresses) {
      beganMs = usedMs();
      for (let index = 0; index < 19; index++) take("honest", caller.caller, SMALL, { costMs: 3 });
      void turns.take(caller).then(() => (tookMs = usedMs() - beganMs));
    }
    return tookMs === undefined;
  });
  await pass();
  assert.equal(order.filter((name) => name === "honest").length, 19);
  return tookMs ?? Number.NaN;
}

for (const { addresses, costMs, mostMs } of [
  { addresses: 100, costMs: 5, mostMs: 1_200 },
  { addresses: 250, costMs: 5, mostMs: 2_700 },
  { addresses: 250, costMs: 200, mostMs: 1_000 },
])
  test(`take() gives a burst of 20 reviews their turns in time beside ${addresses} addresses with one of ${costMs} ms each`, async () => {
    const tookMs = await burstBeside(addresses, costMs);
    assert.ok(tookMs >= 57 && tookMs < mostMs, `${tookMs} ms`);
  });

test("take() gives a caller that the settings name its turns before all others", async () => {
  const { order, take, pass } = setUp();
  for (let index = 0; index < 20; index++) take("stranger", `stranger ${index}`, SMALL);
  take("large", "API server", LARGE, { precedes: true });
  take("small", "API server", SMALL, { precedes: true });
  await pass();
  assert.deepEqual(order.slice(0, 4), ["stranger", "small", "large", "stranger"]);
});

test("take() lets reviews of a caller with costly ones wait for others, until they cost less", async () => {
  const { order, take, pass } = setUp();
  const rounds = async (count: number, costMs: number) => {
    for (let round = 0; round < count; round++) {
      take("first", "other", SMALL);
      take("costly", "a", SMALL, { costMs });
      take("cheap", "b", SMALL, { costMs: 3 });
      await pass();
    }
    return order.slice(-2);
  };
  assert.deepEqual(await rounds(1, 100), ["costly", "cheap"]);
  assert.deepEqual(await rounds(3, 100), ["cheap", "costly"]);
  assert.deepEqual(await rounds(20, 3), ["costly", "cheap"]);
});
