// Comments are as wide as code (lineWidth of biome.json), which the formatter does not wrap.
import assert from "node:assert/strict";
import { test } from "node:test";
import { readText } from "./files.ts";
import { readSources } from "./story/sources.ts";

const { formatter } = JSON.parse(readText("biome.json")) as { readonly formatter: { readonly lineWidth: number } };

/** Returns `path:line` of each too wide line that has only a comment; one long word, such as a link, is accepted. */
function wideComments(sources: ReadonlyMap<string, string>): readonly string[] {
  return [...sources].flatMap(([path, text]) =>
    text.split("\n").flatMap((line, index) => {
      const [, comment = ""] = /^\s*(?:\/\/|\/\*\*|\*) (.*)$/.exec(line) ?? [];
      return line.length > formatter.lineWidth && comment.includes(" ") ? [`${path}:${index + 1}`] : [];
    }),
  );
}

test("comments are at most as wide as code", () => {
  const folders = ["src", "emulators", "scripts", "test"];
  const sources = new Map(folders.flatMap((folder) => Array.from(readSources(folder))));
  assert.deepEqual(wideComments(sources), []);
});

test("comments are at most as wide as code: wide ones are found", () => {
  const wide = `two ${"w".repeat(120)}`;
  const text = [`// ${wide}`, ` * ${wide}`, `/** ${wide} */`, `const a = 1; // ${wide}`, `// ${"w".repeat(130)}`].join(
    "\n",
  );
  assert.deepEqual(wideComments(new Map([["a.ts", text]])), ["a.ts:1", "a.ts:2", "a.ts:3"]);
});
