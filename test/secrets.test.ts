// Compares ARCHITECTURE.md's table of keys, tokens and credentials with the code: the functions that create a Secret,
// and the functions that read its value with reveal().
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { Node } from "typescript/unstable/ast";
import {
  isArrowFunction,
  isFunctionDeclaration,
  isFunctionExpression,
  isIdentifier,
  isMethodDeclaration,
  isNewExpression,
  isPropertyAccessExpression,
  isPropertyAssignment,
  isVariableDeclaration,
} from "typescript/unstable/ast/is";
import { readText } from "./files.ts";
import { readSources } from "./story/sources.ts";
import { parseFiles } from "./syntax.ts";

const page = readText("ARCHITECTURE.md");
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

/** Returns the innermost named functions, methods included, in which a node matches, as `file · function()`. */
function functionsWith(matches: (node: Node) => boolean, sources = readSources("src")): string[] {
  const found = new Set<string>();
  for (const [path, file] of parseFiles([...sources])) {
    const visit = (node: Node, enclosing: string) => {
      if (matches(node)) found.add(`${path.replace("src/", "")} · ${enclosing}()`);
      const name = functionName(node) ?? enclosing;
      node.forEachChild((child) => visit(child, name));
    };
    visit(file, "");
  }
  return [...found].toSorted();
}

/** Returns the name of a function: its own, or that of the variable or property that it is assigned to. */
function functionName(node: Node): string | undefined {
  if (isFunctionDeclaration(node) || isMethodDeclaration(node)) return nameOf(node.name);
  if (!isArrowFunction(node) && !isFunctionExpression(node)) return undefined;
  const { parent } = node;
  return isVariableDeclaration(parent) || isPropertyAssignment(parent) ? nameOf(parent.name) : undefined;
}

const nameOf = (name: Node | undefined) => (name !== undefined && isIdentifier(name) ? name.text : undefined);

const createsSecret = (node: Node) => isNewExpression(node) && nameOf(node.expression) === "Secret";

const revealsSecret = (node: Node) => isPropertyAccessExpression(node) && node.name.text === "reveal";

/** Not in the table: the class itself, and the demo, whose node simulates a kubelet. */
const EXCLUDED = /^(runtime\/secret\.ts|cli\/demo\/)/;

suite("ARCHITECTURE.md: keys, tokens and credentials", () => {
  test("the table lists exactly the functions that create a Secret", () => {
    const creating = functionsWith(createsSecret).filter((name) => !EXCLUDED.test(name));
    assert.ok(creating.length > 8, `${creating.length} functions`);
    assert.deepEqual(namedIn(2), creating);
  });

  test("the table lists exactly the functions that reveal a Secret", () => {
    const revealing = functionsWith(revealsSecret).filter((name) => !EXCLUDED.test(name));
    assert.ok(revealing.length > 12, `${revealing.length} functions`);
    assert.deepEqual(namedIn(3), revealing);
  });

  test("a reveal() that is missing in the table is found, also in a method, an arrow function and a callback", () => {
    const planted = new Map([
      ["src/server/leak.ts", "export function leak(secret: Secret) {\n  log(secret.reveal());\n}"],
      [
        "src/server/nested.ts",
        "export function createLog() {\n  return { write(secret: Secret) { log(secret.reveal()); } };\n}",
      ],
      [
        "src/server/arrow.ts",
        "export function f(all: Secret[]) {\n  const show = () => all.map((one) => one.reveal());\n}",
      ],
      ["src/server/alias.ts", "export const read = ({ secret }: Input) => [secret].map((one) => one?.reveal());"],
    ]);
    assert.deepEqual(functionsWith(revealsSecret, planted), [
      "server/alias.ts · read()",
      "server/arrow.ts · show()",
      "server/leak.ts · leak()",
      "server/nested.ts · write()",
    ]);
  });
});
