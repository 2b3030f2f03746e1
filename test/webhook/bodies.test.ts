import assert from "node:assert/strict";
import { test } from "node:test";
import { countNodes, reviewWeight } from "../../src/webhook/bodies.ts";
import { MIN_LARGE_WEIGHT } from "../../src/webhook/turns.ts";
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
