// Every YAML file of the repository can be read by a strict reader, and looks the same in every editor. Templates of
// the Helm chart are no YAML before Helm renders them; test/manifests reads what comes out.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { parseAllDocuments } from "yaml";
import { ROOT, readText } from "./files.ts";

/** Templates, and manifests as users write them, some with faults. */
const OTHERS = ["manifests/chart/templates/", "test/fixtures/manifests/"];

/** What a strict reader says about the text, and what an editor would change on saving. */
function problemsOf(text: string): readonly string[] {
  const documents = [parseAllDocuments(text, { strict: true, uniqueKeys: true, version: "1.2" })].flat();
  const errors = documents.flatMap((document) => document.errors.map(({ code }) => code));
  const warnings = documents.flatMap((document) => document.warnings.map(({ code }) => code));
  // What follows the first literal text is not looked at: its lines are indented as they like.
  const looks = {
    "a tab": /\t/.test(text),
    "a blank at the end of a line": / $/m.test(text),
    "an odd indentation": /^(?: {2})* [^ \n#-]/m.test(text.replaceAll(/^\s*[\w-]+: [|>][\s\S]*/gm, "")),
    "no line end at its end": !text.endsWith("\n"),
  };
  return [...errors, ...warnings, ...Object.entries(looks).flatMap(([problem, isThere]) => (isThere ? [problem] : []))];
}

suite("YAML files", () => {
  const files = execFileSync("git", ["ls-files", "*.yaml", "*.yml"], { cwd: ROOT, encoding: "utf8" })
    .trim()
    .split("\n")
    .filter((file) => !OTHERS.some((folder) => file.startsWith(folder)) && existsSync(join(ROOT, file)));

  test("a strict reader finds nothing in any", () => {
    assert.ok(files.length > 200, `${files.length} files`);
    assert.deepEqual(
      files.flatMap((file) => problemsOf(readText(file)).map((problem) => `${file}: ${problem}`)),
      [],
    );
  });

  for (const [text, problem] of [
    ["a: 1\na: 2\n", "DUPLICATE_KEY"],
    ["a: [\n", "BAD_INDENT"],
    ["a: 1 \n", "a blank at the end of a line"],
    ["a:\n   b: 1\n", "an odd indentation"],
    ["a:\t1\n", "a tab"],
    ["a: 1", "no line end at its end"],
  ] as const) {
    test(`finds ${problem}`, () => {
      assert.ok(problemsOf(text).includes(problem), String(problemsOf(text)));
    });
  }
});
