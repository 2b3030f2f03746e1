// Requests whose responses come at the same time.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRequester, type Transport } from "../../src/kubernetes/request.ts";
import { createFakeClock } from "../fakes/clock.ts";

/** Requests three objects at the same time; resolves with the turn of the event loop in which each was there. */
async function turnsOfThree(note: string): Promise<readonly number[]> {
  const text = JSON.stringify({ metadata: { annotations: { note } } });
  const transport: Transport = {
    server: "https://10.96.0.1:443",
    send: async () => ({ status: 200, headers: {}, text: async () => text, async *lines() {} }),
  };
  const requester = createRequester({ transport, clock: createFakeClock() }, { deadlineMs: 3_000 });
  let [turn, isDone] = [0, false];
  function countTurns(): void {
    turn += 1;
    if (!isDone) setImmediate(countTurns);
  }
  setImmediate(countTurns);
  const requests = ["a", "b", "c"].map(async (name) => {
    const info = { verb: "get", resource: "pods", namespace: "shop", name } as const;
    const found = await requester.request<object>(info, { path: `/api/v1/namespaces/shop/pods/${name}` });
    assert.deepEqual(found, { metadata: { annotations: { note } } });
    return turn;
  });
  const turns = await Promise.all(requests);
  isDone = true;
  return turns;
}

test("createRequester() parses one long response per turn of the event loop, so that other work comes between them", async () => {
  const turns = await turnsOfThree("x".repeat(100_000));
  assert.equal(new Set(turns).size, 3, String(turns));
});

test("createRequester() lets no short response wait for a turn", async () => {
  assert.deepEqual(await turnsOfThree("short"), [0, 0, 0]);
});
