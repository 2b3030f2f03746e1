import assert from "node:assert/strict";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { isSameJson, parseJson, parseObject } from "../../src/runtime/json-object.ts";
import { fc } from "../property.ts";

test("parseJson() returns the value of a JSON text, and undefined for any other text", () => {
  for (const [text, value] of [
    ['{"a":1}', { a: 1 }],
    ["[]", []],
    ["null", null],
    ["", undefined],
    ["{", undefined],
  ] as const) {
    assert.deepEqual(parseJson(text), value, text);
  }
});

test("parseObject() returns undefined for JSON that is not an object", () => {
  assert.deepEqual(parseObject('{"a":1}'), { a: 1 });
  for (const text of ["[]", "null", '"a"', "1", "", "{"]) assert.equal(parseObject(text), undefined, text);
});

test("isSameJson() finds two values of JSON equal exactly if node:util does", () => {
  // Few keys and values, so that many pairs differ in one place or in none.
  const leaf = fc.constantFrom<unknown>(null, 0, -0, 1, "", "a", true);
  const { value } = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 3 },
      leaf,
      fc.array(tie("value"), { maxLength: 2 }),
      fc.dictionary(fc.constantFrom("a", "b", "constructor"), tie("value"), { maxKeys: 2, noNullPrototype: true }),
    ),
  }));
  let equal = 0;
  fc.assert(
    fc.property(value, value, (one, other) => {
      assert.equal(isSameJson(one, other), isDeepStrictEqual(one, other));
      assert.ok(isSameJson(one, structuredClone(one)));
      if (isSameJson(one, other)) equal += 1;
    }),
    { numRuns: 1_000 },
  );
  assert.ok(equal > 10, `${equal} pairs were equal`);
  assert.equal(isSameJson({ a: 1, b: [2] }, { b: [2], a: 1 }), true);
  for (const pair of [
    [{}, []],
    [[], {}],
    [{ a: undefined }, {}],
    [{ a: undefined }, { b: undefined }],
    [{}, { constructor: Object }],
  ])
    assert.equal(isSameJson(pair[0], pair[1]), false);
});
