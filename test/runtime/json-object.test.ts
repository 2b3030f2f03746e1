import assert from "node:assert/strict";
import { test } from "node:test";
import { parseJson, parseObject } from "../../src/runtime/json-object.ts";

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
