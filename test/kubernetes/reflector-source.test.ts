// The reflector with input that no API server sends, but a faulty proxy in between might.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { ListWatch, WatchEvent } from "../../src/kubernetes/api.ts";
import type { Pod } from "../../src/kubernetes/objects.ts";
import { startReflector } from "../../src/kubernetes/reflector.ts";
import { createFakeClock } from "../fakes/clock.ts";
import { createKeptLog } from "../fakes/log.ts";
import { podWithMetadata } from "./harness.ts";

/** Each watch sends its events of `watches` and ends. */
function reflect(test: TestContext, watches: readonly (readonly WatchEvent<Pod>[])[]) {
  const versions: string[] = [];
  let lists = 0;
  const source: ListWatch<Pod> = {
    name: "pods",
    list() {
      lists += 1;
      return Promise.resolve({ items: [podWithMetadata({ name: "a", resourceVersion: "1" })], resourceVersion: "10" });
    },
    async *watch({ resourceVersion }) {
      yield { type: "OPENED" } as const;
      yield* watches[versions.push(resourceVersion) - 1] ?? [];
    },
  };
  const clock = createFakeClock();
  const { log, lines } = createKeptLog();
  const reflector = startReflector({ source, clock, log, random: () => 0.5 }, { project: (pod: Pod) => pod });
  test.after(() => reflector.stop());
  return { reflector, clock, lines, versions, lists: () => lists };
}

test("startReflector(): a watch starts where the last event or bookmark was", async (t) => {
  const { clock, versions } = reflect(t, [
    [
      { type: "ADDED", object: podWithMetadata({ name: "b", resourceVersion: "11" }) },
      { type: "BOOKMARK", resourceVersion: "15" },
    ],
    [{ type: "MODIFIED", object: podWithMetadata({ name: "b", resourceVersion: "17" }) }],
  ]);
  await clock.advance(0);
  assert.deepEqual(versions.slice(0, 3), ["10", "15", "17"]);
});

test("startReflector(): watches that end at once are retried with back-off", async (t) => {
  const { clock, versions, lists, lines } = reflect(t, []);
  await clock.advance(60_000);
  // 0.5, 1, 2, 4, 8, 16 s, then 30 s each.
  assert.equal(versions.length, 7);
  assert.match(JSON.stringify(lines[0]), /Cannot watch pods: the watch ended at once/);
  // Every third consecutive failure leads to a new list.
  assert.equal(lists(), 3);
});

test("startReflector(): an object that is too large to be read is no longer cached, until it is smaller", async (t) => {
  const tooLarge = { type: "TOO_LARGE", object: { metadata: { name: "a", resourceVersion: "11" } } } as const;
  const grown = reflect(t, [[tooLarge]]);
  await grown.clock.advance(0);
  assert.deepEqual([grown.reflector.get("a"), grown.versions.slice(0, 2)], [undefined, ["10", "11"]]);
  const shrunk = { type: "MODIFIED", object: podWithMetadata({ name: "a", resourceVersion: "12" }) } as const;
  const { clock, reflector } = reflect(t, [[tooLarge], [shrunk]]);
  await clock.advance(0);
  assert.equal(reflector.get("a")?.metadata.resourceVersion, "12");
});
