// Checks that the title of each unit test begins with its subject: the function, its effect, its condition. Tests of several
// functions name what is called on the wire instead, and tests inside a suite have the subject of the suite.
import assert from "node:assert/strict";
import { test } from "node:test";
import { readSources } from "./story/sources.ts";

/** Folders of unit tests. The other folders test whole programs, and name what an operator or an app sees. */
const FOLDERS =
  /^test\/(cli|emulators|injection|kubernetes|operations|pki|policy|protocol|runtime|server|settings|sidecar|webhook)\//;

/** A function or method, a name in capitals, a route, a command, a port, or a program whose behaviour is compared. */
const SUBJECT =
  /^(?:[\w.$]+\(\)|\$\{\w+\}|[A-Z][A-Z_]+\b|(?:GET|POST) \/|\/\w+|podrole \w|the (?:webhook|\w+ port)\b|(?:kiam|kube2iam): |(?:Assume|Get)\w+ |faults\.\w+|docs\/)/;

const TOP_LEVEL = /^(?:for .*?\n)?(?: {2})?test\(\s*(["`])((?:[^"`\\]|\\.)*)\1/gm;

/** Returns `path: title` for each title outside a suite that begins with no subject. */
function titlesWithoutSubject(sources: ReadonlyMap<string, string>): readonly string[] {
  return [...sources]
    .filter(([path, text]) => FOLDERS.test(path) && path.endsWith(".test.ts") && !/^(?:suite|describe)\(/m.test(text))
    .flatMap(([path, text]) => [...text.matchAll(TOP_LEVEL)].map(([, , title = ""]) => ({ path, title })))
    .filter(({ title }) => !SUBJECT.test(title))
    .map(({ path, title }) => `${path}: ${title}`);
}

test("titles of unit tests begin with their subject", () => {
  assert.deepEqual(titlesWithoutSubject(readSources("test")), []);
});

test("titles of unit tests begin with their subject: planted titles are found", () => {
  const planted = ["plan() works", "it works", "ROLE_FORBIDDEN: plan() refuses"].map(
    (title) => `test("${title}", () => {});`,
  );
  const sources = new Map([
    ["test/policy/a.test.ts", `${planted.join("\n")}\nfor (const a of []) {\n  test(\`works\`, () => {});\n}`],
  ]);
  assert.deepEqual(titlesWithoutSubject(sources), ["test/policy/a.test.ts: it works", "test/policy/a.test.ts: works"]);
});
