import assert from "node:assert/strict";
import { test } from "node:test";
import { countNodes, reviewWeight } from "../../src/webhook/bodies.ts";
import { MIN_LARGE_WEIGHT } from "../../src/webhook/turns.ts";
import { fc } from "../property.ts";
import { annotatedPod, reviewOf } from "./requests.ts";

const weightOf = (pod: unknown) => {
  const body = Buffer.from(JSON.stringify(reviewOf(pod)));
  return reviewWeight({ bytes: body.length, nodes: countNodes(body) });
};
const containing = (count: number) => ({
  ...annotatedPod(),
  spec: { containers: Array.from({ length: count }, (_, index) => ({ name: `c${index}` })) },
});

test("reviewWeight() makes a review of 1000 containers a large one, although it has few bytes", () => {
  assert.ok(JSON.stringify(reviewOf(containing(1_000))).length < 20_000);
  assert.ok(weightOf(containing(1_000)) >= MIN_LARGE_WEIGHT, `${weightOf(containing(1_000))}`);
});

test("reviewWeight() leaves ordinary reviews small", () => {
  const env = Array.from({ length: 60 }, (_, index) => ({ name: `VARIABLE_${index}`, value: "x".repeat(100) }));
  const ordinary = { ...annotatedPod(), spec: { containers: ["app", "proxy", "log"].map((name) => ({ name, env })) } };
  for (const pod of [annotatedPod(), containing(20), ordinary])
    assert.ok(weightOf(pod) < MIN_LARGE_WEIGHT, `${weightOf(pod)}`);
});

test("countNodes() counts objects, lists, members and what separates them, whatever strings contain", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      assert.equal(countNodes(Buffer.from(JSON.stringify(value))), nodesIn(value), JSON.stringify(value));
    }),
  );
  const texts = ["[", "\\", '\\"', '"', "\\\\[", "ä{,:", '"\\\\"{'];
  assert.equal(countNodes(Buffer.from(JSON.stringify(texts))), nodesIn(texts));
  for (const unfinished of ['["[', '["\\', '["\\"[', "["]) assert.equal(countNodes(Buffer.from(unfinished)), 1);
});

/** Of `{"a":1,"b":2}`: the brace, two colons and a comma. */
function nodesIn(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  const parts = Object.values(value);
  const separators = Math.max(0, parts.length - 1) + (Array.isArray(value) ? 0 : parts.length);
  return parts.reduce((sum: number, part) => sum + nodesIn(part), 1 + separators);
}
