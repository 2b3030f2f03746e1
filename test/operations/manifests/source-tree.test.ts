// Expected values are those of kubectl 1.32 and 1.37 (`kubectl annotate`, without a cluster).
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { parseDocument, splitDocuments } from "../../../src/operations/manifests/source-tree.ts";

function valueOf(text: string): unknown {
  const read = parseDocument(text);
  assert.ok(read.ok, read.ok ? "" : read.problem);
  return read.value?.value;
}

suite("parseDocument()", () => {
  for (const [scalar, expected] of [
    ...["y", "Y", "yes", "YES", "on", "On", "true"].map((word) => [word, true] as const),
    ...["n", "N", "no", "No", "off", "OFF", "False"].map((word) => [word, false] as const),
    ...["~", "null", "NULL", ""].map((word) => [word, null] as const),
    ...["nO", "yEs", "1:30", "2001-01-01", "_1", "=", "1e", "+", ".inf_", "0o8", '"yes"', "!!str 1"].map(
      (text) => [text, text.replace(/^!!str |"/g, "").replaceAll('"', "")] as const,
    ),
    ["0400", 256],
    ["0755", 493],
    ["0o17", 15],
    ["08", 8],
    ["0_8", 8],
    ["00", 0],
    ["0x1F", 31],
    ["0b11", 3],
    ["-0b11", -3],
    ["1_000", 1000],
    ["+1", 1],
    ["1e3", 1000],
    ["1.", 1],
    [".5", 0.5],
    ["-.5", -0.5],
  ] as const) {
    test(`reads ${scalar === "" ? "nothing" : scalar} as ${JSON.stringify(expected)}`, () => {
      assert.deepEqual(valueOf(`a: ${scalar}\n`), { a: expected });
    });
  }

  for (const [what, text, expected] of [
    ["the last of duplicate keys", "a: 1\nb: 2\na: 3\n", { a: 3, b: 2 }],
    ["keys that are booleans and numbers", "yes: 1\n0x10: 2\n", { true: 1, 16: 2 }],
    [
      "a quoted text whose lines are indented less than its key",
      'm:\n  a: "x\ny\n"\n  b: 1\n',
      { m: { a: "x y ", b: 1 } },
    ],
    ["the same in single quotes", "m:\n  - 'it''s\n z'\n  - 2\n", { m: ["it's z", 2] }],
    ["a merge key", "a: &a { x: 1, y: 2 }\nb: { <<: *a, x: 3 }\n", { a: { x: 1, true: 2 }, b: { x: 3, true: 2 } }],
    [
      "a merge key behind a key, which it overrides",
      "a: &a { x: 1 }\nb: { x: 3, <<: *a }\n",
      { a: { x: 1 }, b: { x: 1 } },
    ],
    ["line breaks of Windows", "a:\r\n  - b\r\n  - |\r\n    c\r\n", { a: ["b", "c\n"] }],
    ["tabs in JSON", '{\n\t"a": [1,\n\t2]}', { a: [1, 2] }],
    ["a block without a final newline", "a: |\n  b", { a: "b\n" }],
    ["comments alone as nothing", "# a\n", undefined],
  ] as const) {
    test(`reads ${what}`, () => assert.deepEqual(valueOf(text), expected));
  }

  test("keeps the key __proto__ an ordinary one", () => {
    const value = valueOf("__proto__: { a: 1 }\n") as object;
    assert.deepEqual([Object.keys(value), Object.getPrototypeOf(value)], [["__proto__"], Object.prototype]);
  });

  for (const [what, text, problem] of [
    ["a text that is not closed", 'a: "b\n', /neither YAML nor JSON/],
    ["an alias without an anchor", "a: *b\n", /neither YAML nor JSON: Unresolved alias|anchor "b"/],
    ["an anchor that contains itself", "a: &a [*a]\n", /anchor "a"|Unresolved/],
    ["a merge key of a text", "a: { <<: b }\n", /the value of a merge key is not a map/],
  ] as const) {
    test(`refuses ${what}`, () => {
      const read = parseDocument(text);
      assert.match(read.ok ? "" : read.problem, problem);
    });
  }
});

suite("splitDocuments()", () => {
  test("splits at lines that begin with ---, and loses nothing", () => {
    const text = "# a\n---\nb: 1\n--- # c\n\n---\r\nd: ' --- '\n";
    assert.equal(splitDocuments(text).join(""), text);
    assert.equal(splitDocuments(text).length, 4);
  });
});
