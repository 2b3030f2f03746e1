import assert from "node:assert/strict";
import { test } from "node:test";
import { quoted, valueOf } from "../../src/policy/annotations.ts";

test("quoted() leaves ordinary text readable", () => {
  assert.equal(quoted("team/reader"), '"team/reader"');
  assert.equal(quoted('a"b\\c'), String.raw`"a\"b\\c"`);
  assert.equal(quoted("rôle"), '"rôle"');
});

test("quoted() lets nothing through that a terminal would obey", () => {
  assert.equal(quoted("a\u001b[31m\n\u0000"), String.raw`"a\u001b[31m\n\u0000"`);
  assert.equal(quoted("a\u202eb\u200bc\u2028d\u0085e\ufeff"), String.raw`"a\u202eb\u200bc\u2028d\u0085e\ufeff"`);
  assert.equal(quoted("\u{e0041}\ud800"), String.raw`"\udb40\udc41\ud800"`);
});

test("quoted() shortens long values", () => {
  assert.equal(quoted("x".repeat(80)), `"${"x".repeat(80)}"`);
  assert.equal(quoted("x".repeat(81)), `"${"x".repeat(77)}..."`);
});

test("valueOf() reads only own properties", () => {
  assert.equal(valueOf({ a: "" }, "a"), "");
  for (const name of ["b", "constructor", "__proto__", "toString"]) assert.equal(valueOf({ a: "" }, name), undefined);
});
