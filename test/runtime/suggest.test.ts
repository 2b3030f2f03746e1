import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { createSuggester } from "../../src/runtime/suggest.ts";

const KNOWN = ["podrole.io/inject", "podrole.io/mode", "podrole.io/metadata", "iam.amazonaws.com/role"];

const CASES: readonly (readonly [name: string, nearest: string | undefined])[] = [
  ["podrole.io/injekt", "podrole.io/inject"],
  ["podrole.io/injetc", "podrole.io/inject"],
  ["podrole.io/injects", "podrole.io/inject"],
  ["podrole.io/inje", "podrole.io/inject"],
  ["opdrole.io/mode", "podrole.io/mode"],
  ["xpodrole.io/modex", "podrole.io/mode"],
  ["podrol.oi/mode", undefined],
  ["podrole.io/inj", undefined],
  ["podrole.io/anything", undefined],
  ["", undefined],
];

suite("createSuggester()", () => {
  test("finds the known name with at most two letters wrong", () => {
    const suggest = createSuggester(KNOWN);
    for (const [name, nearest] of CASES) assert.equal(suggest(name), nearest, name);
  });

  test("prefers the nearest of several", () => {
    assert.equal(createSuggester(["aaaa", "aabb", "aaab"])("aabc"), "aabb");
    assert.equal(createSuggester(["role", "roles"])("roles"), "roles");
  });

  test("suggests nothing for a name longer than any known name can be", () => {
    const suggest = createSuggester(["a".repeat(64), "b".repeat(65)]);
    assert.equal(suggest("a".repeat(66)), "a".repeat(64));
    assert.equal(suggest("b".repeat(65)), undefined);
    assert.equal(suggest("a".repeat(100_000)), undefined);
  });

  test("stops comparing after a fixed number of comparisons", () => {
    const suggest = createSuggester(["inject"]);
    assert.equal(suggest("injekt"), "inject");
    for (let index = 0; index < 2_000; index++) suggest("xxxxxx");
    assert.equal(suggest("injekt"), undefined);
  });
});
