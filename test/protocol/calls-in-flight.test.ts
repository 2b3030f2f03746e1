import assert from "node:assert/strict";
import { test } from "node:test";
import { createCallsInFlight } from "../../src/protocol/calls-in-flight.ts";
import type { PodroleError } from "../../src/protocol/errors.ts";

function callerIn(text: string) {
  const [group = "", name = group] = text.split("/");
  return { group, name };
}

function setUp(max: number) {
  const refused: string[] = [];
  const errors: PodroleError[] = [];
  let count = 0;
  const calls = createCallsInFlight({ onRefused: () => count++ }, { max });
  /** A caller is "group/name", or a group with one. */
  const begin = (caller: string, name = caller) => {
    const call = calls.begin(
      () => callerIn(caller),
      (error) => {
        refused.push(name);
        errors.push(error);
      },
    );
    return {
      end: () => call.end(),
      countFor: (other: string, giveUp?: () => void) => call.countFor(callerIn(other), giveUp),
    };
  };
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

test("createCallsInFlight() refuses a group's newest call for that of another group, however many callers it has", () => {
  const { begin, refused } = setUp(4);
  for (let pod = 1; pod <= 4; pod++) begin(`hostile/pod-${pod}`);
  begin("honest/pod");
  begin("honest/other");
  assert.deepEqual(refused, ["hostile/pod-4", "hostile/pod-3"]);
});

test("createCallsInFlight() lets the newest waiting call of the group with most give its place up, and refuses none", () => {
  const { begin, refused, refusals } = setUp(4);
  const gaveUp: string[] = [];
  const beginWaiting = (caller: string) => begin("address").countFor(caller, () => gaveUp.push(caller));
  for (const caller of ["honest/pod", "hostile/a", "hostile/b"]) beginWaiting(caller);
  const working = begin("honest/working");
  begin("new/a");
  begin("new/b");
  assert.deepEqual([gaveUp, refused, refusals()], [["hostile/b", "hostile/a"], [], 0]);
  begin("new/c");
  assert.deepEqual([gaveUp, refused], [["hostile/b", "hostile/a", "honest/pod"], []]);
  begin("new/d");
  assert.deepEqual([refused, refusals()], [["new/d"], 1], "nobody waits any more");
  working.end();
});

test("createCallsInFlight() does not ask who calls while there is room", () => {
  const calls = createCallsInFlight({}, { max: 1 });
  let asked = 0;
  const begin = (name: string) =>
    calls.begin(
      () => {
        asked += 1;
        return callerIn(name);
      },
      () => {},
    );
  begin("a").end();
  begin("b");
  assert.equal(asked, 0);
  begin("c");
  assert.equal(asked, 2);
});
