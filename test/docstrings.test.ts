// Checks that every export of these rooms has a docstring.
import assert from "node:assert/strict";
import { test } from "node:test";
import { readSources } from "./story/sources.ts";

const ROOMS = ["src/kubernetes", "src/runtime", "src/sidecar", "emulators"];
/** An export at the start of a line, after a line that does not end a comment. */
const UNDOCUMENTED = /(?<!\*\/\n)^export (?:async )?(?:function\*?|const|class|interface|type) (\w+)/gm;

/** Returns `path: name` for each export without a docstring. */
function undocumented(sources: ReadonlyMap<string, string>): readonly string[] {
  return [...sources].flatMap(([path, text]) =>
    [...text.matchAll(UNDOCUMENTED)].map(([, name = ""]) => `${path}: ${name}`),
  );
}

test("every export of these rooms has a docstring", () => {
  const all = ROOMS.map(readSources);
  assert.ok(all.every(({ size }) => size > 10));
  assert.deepEqual(all.flatMap(undocumented), []);
});

test("every export of these rooms has a docstring: planted exports are found", () => {
  const text =
    "/** Returns 1. */\nexport function a() {}\n\nexport interface B {}\n// Not a docstring.\nexport const c = 1;\n";
  assert.deepEqual(undocumented(new Map([["src/runtime/a.ts", text]])), ["src/runtime/a.ts: B", "src/runtime/a.ts: c"]);
});
