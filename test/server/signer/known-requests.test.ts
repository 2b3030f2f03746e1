// How much the signer looks at while somebody makes a great many requests: counts of look-ups, never of time.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type CachedRequest,
  createKnownRequests,
  type KnownRequest,
  MAX_KNOWN_PER_NODE,
  MAX_KNOWN_PER_POD,
  MAX_KNOWN_REQUESTS,
} from "../../../src/server/signer/known-requests.ts";
import { createFakeClock } from "../../fakes/clock.ts";

function setUp() {
  const clock = createFakeClock();
  const content = new Map<string, CachedRequest>();
  const looks = { get: 0, list: 0 };
  const announced: KnownRequest[] = [];
  const forgotten: KnownRequest[] = [];
  const known = createKnownRequests({
    clock,
    cached: {
      get(key) {
        looks.get += 1;
        return content.get(key);
      },
      list() {
        looks.list += 1;
        return [...content.values()];
      },
    },
    onKnown: (request) => announced.push(request),
    onForgotten: (request) => forgotten.push(request),
  });
  const add = (node: string, name: string, namespace = "team", pod = name) =>
    content.set(`${namespace}/${name}`, { namespace, name, uid: `uid-${name}`, node, pod });

  /** Walks to the end; returns the number of turns that it took. */
  function walk(): number {
    let turns = 1;
    while (known.step() === 0) turns += 1;
    return turns;
  }
  return { clock, content, known, looks, announced, forgotten, add, walk };
}

test("createKnownRequests() looks at one request for each event, whatever else there is", () => {
  const { known, looks, content, add, walk, announced } = setUp();
  for (let index = 0; index < 30_000; index += 1) add("node-1", `flood-${index}`);
  known.update();
  assert.ok(walk() > 50, "a walk leaves turns to others");
  assert.equal(known.size, MAX_KNOWN_PER_NODE);
  const before = { ...looks };
  add("node-2", "web");
  known.update("team/web");
  assert.equal(announced.at(-1)?.key, "team/web");
  for (let index = 0; index < 100; index += 1) {
    content.set(`team/flood-${index}`, "answered");
    known.update(`team/flood-${index}`);
    known.step();
  }
  assert.deepEqual([looks.get - before.get, looks.list - before.list], [101, 0]);
  assert.equal(known.size, MAX_KNOWN_PER_NODE + 1 - 100);
});

test("createKnownRequests() finds what a bound left out once others have ended, at most every 5 s", async () => {
  const { clock, known, looks, content, add, walk } = setUp();
  for (let index = 0; index < 300; index += 1) add("node-1", `web-${index}`);
  known.update();
  walk();
  assert.equal(known.step(), Number.POSITIVE_INFINITY, "nothing has ended");
  content.delete("team/web-0");
  known.update("team/web-0");
  walk();
  assert.deepEqual([known.size, looks.list], [MAX_KNOWN_PER_NODE - 1, 1]);
  await clock.advance(5_000);
  walk();
  assert.deepEqual([known.size, looks.list], [MAX_KNOWN_PER_NODE, 2]);
});

test("createKnownRequests() leaves a node's room to its other pods while one pod has thousands", () => {
  const { known, content, add, walk, announced } = setUp();
  for (let index = 0; index < 5_000; index += 1) add("node-1", `flood-${index}`, "team", "greedy");
  known.update();
  walk();
  assert.equal(known.size, MAX_KNOWN_PER_POD);
  add("node-1", "web");
  known.update("team/web");
  assert.equal(announced.at(-1)?.key, "team/web");
  content.set("team/flood-0", "answered");
  known.update("team/flood-0");
  walk();
  assert.equal(known.size, MAX_KNOWN_PER_POD);
});

test("createKnownRequests() forgets the newest of whoever has most, once there are too many in all", () => {
  const { known, add, walk, announced, forgotten } = setUp();
  for (let index = 0; index < MAX_KNOWN_REQUESTS; index += 1) add(`node-${index % 50}`, `flood-${index}`, "evil");
  known.update();
  walk();
  add("node-1", "web");
  known.update("team/web");
  assert.deepEqual([known.size, announced.at(-1)?.key], [MAX_KNOWN_REQUESTS, "team/web"]);
  assert.deepEqual(
    forgotten.map(({ namespace }) => namespace),
    ["evil"],
  );
});

test("createKnownRequests() forgets after a list what is answered, gone, or of another uid by now", () => {
  const { known, content, add, walk, forgotten } = setUp();
  for (const name of ["answered", "gone", "replaced", "open"]) add("node-1", name);
  known.update();
  walk();
  content.set("team/answered", "answered");
  content.delete("team/gone");
  content.set("team/replaced", { namespace: "team", name: "replaced", uid: "another", node: "node-1", pod: "web" });
  known.update();
  walk();
  assert.deepEqual(forgotten.map(({ key }) => key).toSorted(), ["team/answered", "team/gone", "team/replaced"]);
  assert.equal(known.size, 2);
  const [oldest] = [known.oldest()];
  assert.equal(oldest?.key, "team/open");
});
