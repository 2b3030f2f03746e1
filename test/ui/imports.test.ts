// The page imports types of the operations and single pure files: it runs in a browser, and another front end can use
// its parts.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { importsOf, readSources } from "../story/sources.ts";

const PURE_FILES: ReadonlySet<string> = new Set([
  "src/operations/blocked-time.ts",
  "src/operations/denial-conditions.ts",
  "src/operations/status/role-rows.ts",
  "src/operations/step-parts.ts",
  "src/operations/ui/overdue.ts",
  "src/cli/output/text.ts",
  "site/client/theme-choice.ts",
]);
const LIBRARIES = { model: ["@dagrejs/dagre"], view: ["preact", "preact/hooks"], entry: ["preact"] } as const;

/** Returns each import that a part of the page may not have. */
function foreignImports(sources: ReadonlyMap<string, string>): readonly string[] {
  return importsOf(sources)
    .filter(({ from, to, typeOnly }) => {
      if (typeOnly && /^src\/(operations|protocol)\//.test(to)) return false;
      const part = from.startsWith("ui/model/") ? "model" : from.startsWith("ui/view/") ? "view" : "entry";
      const isOwn = to.startsWith("ui/model/") || (part !== "model" && to.startsWith("ui/view/"));
      return !isOwn && !PURE_FILES.has(to) && !LIBRARIES[part].some((library) => library === to);
    })
    .map(({ from, to }) => `${from} → ${to}`);
}

suite("ui/", () => {
  test("imports types of operations, and single pure files", () => {
    const sources = readSources("ui");
    assert.ok(sources.size > 15, `${sources.size} files`);
    assert.deepEqual(foreignImports(sources), []);
  });

  test("imports types of operations, and single pure files: planted imports are found", () => {
    const planted = [
      ["ui/model/a.ts", 'import { readFileSync } from "node:fs";'],
      ["ui/model/a.ts", 'import { b } from "../view/b.ts";'],
      ["ui/view/a.ts", 'import { b } from "../../src/operations/status/status.ts";'],
      ["ui/main.ts", 'import type { B } from "../src/kubernetes/b.ts";'],
    ] as const;
    for (const each of planted) assert.equal(foreignImports(new Map([each])).length, 1, each.join(": "));
  });
});
