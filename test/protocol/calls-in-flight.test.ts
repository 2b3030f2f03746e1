import assert from "node:assert/strict";
import { test } from "node:test";
import { createCallsInFlight } from "../../src/protocol/calls-in-flight.ts";
import type { PodroleError } from "../../src/protocol/errors.ts";

function setUp(max: number) {
  const refused: string[] = [];
  const errors: PodroleError[] = [];
  let count = 0;
  const calls = createCallsInFlight({ onRefused: () => count++ }, { max });
  const begin = (caller: string, name = caller) =>
    calls.begin(caller, (error) => {
      refused.push(name);
      errors.push(error);
    });
  return { begin, refused, errors, refusals: () => count };
}

test("createCallsInFlight() refuses the newest call when each caller has one, with a time to retry", () => {
  const { begin, refused, errors, refusals } = setUp(2);
  for (const caller of ["a", "b", "c"]) begin(caller);
  assert.deepEqual([refused, refusals()], [["c"], 1]);
  assert.equal(errors[0]?.code, "SERVER_OVERLOADED");
  assert.ok(Number(errors[0]?.retryAfterMs) >= 2_000 && Number(errors[0]?.retryAfterMs) <= 6_000);
});

test("createCallsInFlight() refuses the newest call of the caller with most, to make room for another caller", () => {
  const { begin, refused } = setUp(3);
  for (const name of ["first", "second", "third"]) begin("hog", name);
  begin("a");
  begin("b");
  assert.deepEqual(refused, ["third", "second"]);
});

test("createCallsInFlight() has room again when a call has ended, and ends each call once", () => {
  const { begin, refused } = setUp(1);
  const ended = begin("a");
  ended.end();
  ended.end();
  const refusedCall = begin("b");
  begin("c");
  assert.deepEqual(refused, ["c"]);
  refusedCall.end();
  begin("d");
  begin("e");
  assert.deepEqual(refused, ["c", "e"]);
});

test("createCallsInFlight() counts a call for the caller that it has proved to be", () => {
  const { begin, refused } = setUp(4);
  for (const name of ["first", "second", "third"]) begin("address", name).countFor("hog");
  const [ended] = [begin("address", "ended"), begin("address", "honest")];
  assert.deepEqual(refused, ["third"], "not the newest call of the address");
  ended?.end();
  ended?.countFor("hog");
  begin("address", "next");
  assert.deepEqual(refused, ["third"], "a call that has ended is not counted again");
});
