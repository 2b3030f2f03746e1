// Each deliberate break of mutations.ts still applies: its place exists once, and the suites that find it exist.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT, readText } from "../files.ts";
import { MUTATIONS } from "./mutations.ts";

for (const { breaks, file, find, replace, foundBy } of MUTATIONS) {
  test(`mutation of ${file}: ${breaks}`, () => {
    const text = readText(file);
    assert.equal(Array.from(text.matchAll(new RegExp(find, "g"))).length, 1, `${file} has ${find} once`);
    assert.notEqual(text.replace(find, replace), text);
    assert.ok(foundBy.length > 0);
    for (const suite of foundBy) assert.ok(existsSync(join(ROOT, suite)), suite);
  });
}

test("there are at least ten mutations, each described differently", () => {
  assert.ok(new Set(MUTATIONS.map(({ breaks }) => breaks)).size >= 10);
});
