// ARCHITECTURE.md's table of keys, tokens and credentials against the code: every function that makes a Secret, and every
// function that lets one out by reveal().
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { readSources, ROOT } from "./story/sources.ts";

const page = readFileSync(join(ROOT, "ARCHITECTURE.md"), "utf8");
const [, section = ""] = page.split(/^## Keys, tokens and credentials$/m);
const [table = ""] = section.split(/^## /m);

/** `file · function()` of the columns "enters by" and "leaves by". */
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

/** The top-level functions whose bodies match, as `file · function()` from `src/`. */
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

/** The class itself, and the demo, whose node stands for a kubelet. */
const OUTSIDE = /^(runtime\/secret\.ts|cli\/demo\/)/;

suite("ARCHITECTURE.md: keys, tokens and credentials", () => {
  test("every function that makes a Secret is named, and no other", () => {
    const made = functionsWith(/new Secret\(/).filter((name) => !OUTSIDE.test(name));
    assert.ok(made.length > 8, `${made.length} functions`);
    assert.deepEqual(namedIn(2), made);
  });

  test("every function that reveals a Secret is named, and no other", () => {
    const revealed = functionsWith(/\.reveal\(\)/).filter((name) => !OUTSIDE.test(name));
    assert.ok(revealed.length > 12, `${revealed.length} functions`);
    assert.deepEqual(namedIn(3), revealed);
  });

  test("a reveal() that the table does not name is found", () => {
    const planted = new Map([
      ["src/server/leak.ts", "export function leak(secret: Secret) {\n  log(secret.reveal());\n}"],
    ]);
    assert.deepEqual(functionsWith(/\.reveal\(\)/, planted), ["server/leak.ts · leak()"]);
  });
});
