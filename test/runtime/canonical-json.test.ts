import assert from "node:assert/strict";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { canonicalJson } from "../../src/runtime/canonical-json.ts";
import { fc } from "../property.ts";

/** The same value with the keys of every object in the opposite order. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .toReversed()
      .map(([key, part]) => [key, reversed(part)]),
  );
}

const json = fc.jsonValue({ maxDepth: 4 });

test("canonicalJson() gives one text for values that differ only in the order of keys, at every depth", () => {
  fc.assert(fc.property(json, (value) => assert.equal(canonicalJson(reversed(value)), canonicalJson(value))));
});

test("canonicalJson() loses nothing: its text parses to the value", () => {
  fc.assert(
    fc.property(json, (value) => assert.deepEqual(JSON.parse(canonicalJson(value)), JSON.parse(JSON.stringify(value)))),
  );
});

test("canonicalJson() gives different texts for different values", () => {
  fc.assert(
    fc.property(json, json, (a, b) => {
      const plain = [a, b].map((value): unknown => JSON.parse(JSON.stringify(value)));
      assert.equal(canonicalJson(a) === canonicalJson(b), isDeepStrictEqual(plain[0], plain[1]));
    }),
  );
});
