// Compares ARCHITECTURE.md's table of keys, tokens and credentials with the code: the functions that create a Secret, and the
// functions that read its value with reveal().
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { readSources, ROOT } from "./story/sources.ts";

const page = readFileSync(join(ROOT, "ARCHITECTURE.md"), "utf8");
const [, section = ""] = page.split(/^## Keys, tokens and credentials$/m);
const [table = ""] = section.split(/^## /m);

/** Returns each `file · function()` in a column of the table: 2 is "enters by", 3 is "leaves by". */
function namedIn(column: number): string[] {
  const rows = table.split("\n").filter((line) => line.startsWith("| ") && !line.startsWith("| ---"));
  const cells = rows.map((row) => row.split(" | ")[column] ?? "");
  return [
    ...new Set(
      cells.flatMap((cell) =>
        [...cell.matchAll(/`([\w/-]+\.ts) · (\w+)\(\)`/g)].map(([, file, name]) => `${file} · ${name}()`),
      ),
    ),
  ].toSorted();
}

const TOP_LEVEL = /^(?:export )?(?:async )?function (\w+)|^(?:export )?const (\w+) =/;

/** Returns the top-level functions whose bodies match, as `file · function()` with paths below `src/`. */
function functionsWith(pattern: RegExp, sources = readSources("src")): string[] {
  const found = new Set<string>();
  for (const [path, text] of sources) {
    let name = "";
    for (const line of text.split("\n")) {
      const [, declared, constant] = TOP_LEVEL.exec(line) ?? [];
      name = declared ?? constant ?? name;
      if (!/^\s*(\/\/|\*|\/\*)/.test(line) && pattern.test(line)) found.add(`${path.replace("src/", "")} · ${name}()`);
    }
  }
  return [...found].toSorted();
}

/** Not in the table: the class itself, and the demo, whose node simulates a kubelet. */
const EXCLUDED = /^(runtime\/secret\.ts|cli\/demo\/)/;

suite("ARCHITECTURE.md: keys, tokens and credentials", () => {
  test("the table lists exactly the functions that create a Secret", () => {
    const creating = functionsWith(/new Secret\(/).filter((name) => !EXCLUDED.test(name));
    assert.ok(creating.length > 8, `${creating.length} functions`);
    assert.deepEqual(namedIn(2), creating);
  });

  test("the table lists exactly the functions that reveal a Secret", () => {
    const revealing = functionsWith(/\.reveal\(\)/).filter((name) => !EXCLUDED.test(name));
    assert.ok(revealing.length > 12, `${revealing.length} functions`);
    assert.deepEqual(namedIn(3), revealing);
  });

  test("a reveal() that is missing in the table is found", () => {
    const planted = new Map([
      ["src/server/leak.ts", "export function leak(secret: Secret) {\n  log(secret.reveal());\n}"],
    ]);
    assert.deepEqual(functionsWith(/\.reveal\(\)/, planted), ["server/leak.ts · leak()"]);
  });
});
