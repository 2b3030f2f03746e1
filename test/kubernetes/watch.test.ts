import assert from "node:assert/strict";
import { test } from "node:test";
import type { ListWatch, WatchEvent } from "../../src/kubernetes/api.ts";
import type { Pod } from "../../src/kubernetes/objects.ts";
import { findWatchError, followWatch, type WatchEnd } from "../../src/kubernetes/watch.ts";
import { dueAfter } from "../../src/runtime/due.ts";
import { createFakeClock } from "../fakes/clock.ts";
import { podWithMetadata } from "./harness.ts";

const OPENED: WatchEvent<Pod> = { type: "OPENED" };
const ADDED: WatchEvent<Pod> = { type: "ADDED", object: podWithMetadata({ name: "a", resourceVersion: "11" }) };
const BOOKMARK: WatchEvent<Pod> = { type: "BOOKMARK", resourceVersion: "12" };

/** Follows one watch of a source, from version 10, until `endAfterMs`. */
function follow(watch: ListWatch<Pod>["watch"], clock = createFakeClock(), endAfterMs = 600_000) {
  const stopped = new AbortController();
  const source: ListWatch<Pod> = { name: "pods", list: () => assert.fail("it lists"), watch };
  const seen: string[] = [];
  const options = { from: "10", timeoutSeconds: 300, inactivityMs: 90_000, endAt: dueAfter(clock, endAfterMs) };
  const end = followWatch({ source, clock, stopped: stopped.signal }, options, ({ type }) => seen.push(type));
  return { clock, stopped, seen, end };
}

/** The source sends `before`, stays open until its signal aborts, and then sends `after`. */
function setUp({ before = [OPENED], after = [] }: { before?: WatchEvent<Pod>[]; after?: WatchEvent<Pod>[] } = {}) {
  const closed = Promise.withResolvers<void>();
  const requests: unknown[] = [];
  const followed = follow(async function* ({ signal, ...request }) {
    requests.push(request);
    yield* before;
    signal.addEventListener("abort", () => closed.resolve());
    await closed.promise;
    yield* after;
  });
  return { ...followed, closed, requests };
}

test("followWatch() requests the watch from the version, with the timeout, and reports each event", async () => {
  const { clock, closed, requests, seen, end } = setUp({ before: [OPENED, ADDED, BOOKMARK] });
  await clock.advance(1_000);
  closed.resolve();
  assert.deepEqual(await end, { cause: "closed", hasOpened: true, lastedMs: 1_000 });
  assert.deepEqual(requests, [{ resourceVersion: "10", timeoutSeconds: 300 }]);
  assert.deepEqual(seen, ["OPENED", "ADDED", "BOOKMARK"]);
});

test("followWatch() ends a silent watch and ignores what arrives after that", async () => {
  const { clock, seen, end } = setUp({ after: [ADDED] });
  await clock.advance(90_000);
  assert.deepEqual(await end, { cause: "silent", hasOpened: true, lastedMs: 90_000 });
  assert.deepEqual(seen, ["OPENED"]);
});

test("followWatch() reports that the API server never answered", async () => {
  const { clock, end } = setUp({ before: [] });
  await clock.advance(90_000);
  assert.deepEqual(await end, { cause: "silent", hasOpened: false, lastedMs: 90_000 });
});

test("followWatch() ends when a list is due", async () => {
  const clock = createFakeClock();
  const { end } = follow(
    async function* ({ signal }) {
      for (;;) {
        yield BOOKMARK;
        await new Promise<void>((resolve) => clock.schedule(resolve, 60_000));
        if (signal.aborted) return;
      }
    },
    clock,
    150_000,
  );
  await clock.advance(180_000);
  assert.equal((await end).cause, "due");
});

test("followWatch() ends when it is stopped", async () => {
  const { clock, stopped, end } = setUp();
  await clock.advance(5_000);
  stopped.abort();
  assert.deepEqual(await end, { cause: "stopped", hasOpened: true, lastedMs: 5_000 });
});

test("followWatch() rejects as the source does", async () => {
  const { end } = follow(async function* () {
    yield OPENED;
    throw new RangeError("broken");
  });
  await assert.rejects(end, /broken/);
});

const ENDS: readonly (readonly [WatchEnd, hasProgressed: boolean, problem: RegExp | undefined])[] = [
  [{ cause: "closed", hasOpened: true, lastedMs: 300_000 }, false, undefined],
  [{ cause: "closed", hasOpened: true, lastedMs: 4_999 }, false, /the watch ended at once/],
  [{ cause: "closed", hasOpened: true, lastedMs: 4_999 }, true, undefined],
  [{ cause: "closed", hasOpened: true, lastedMs: 5_000 }, false, undefined],
  [{ cause: "closed", hasOpened: false, lastedMs: 5_000 }, false, /no response came within 90000 ms/],
  [{ cause: "silent", hasOpened: true, lastedMs: 1 }, false, undefined],
  [{ cause: "silent", hasOpened: false, lastedMs: 90_000 }, false, /no response came within 90000 ms/],
  [{ cause: "due", hasOpened: false, lastedMs: 1 }, false, undefined],
  [{ cause: "stopped", hasOpened: false, lastedMs: 1 }, false, undefined],
];
for (const [end, hasProgressed, problem] of ENDS) {
  const what = `${JSON.stringify(end)} and ${hasProgressed ? "a" : "no"} newer version`;
  test(`findWatchError() returns ${problem ? "a failure" : "undefined"} for ${what}`, () => {
    const found = findWatchError("pods", end, { hasProgressed, inactivityMs: 90_000 });
    if (problem === undefined) assert.equal(found, undefined);
    else assert.match(found?.message ?? "", problem);
  });
}
