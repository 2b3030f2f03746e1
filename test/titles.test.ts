// Checks that the title of each unit test begins with its subject: the function, its effect, its condition. Tests of
// several functions name what is called on the wire instead, and tests inside a suite have the subject of the suite. A
// function that a title names exists: `npm run test:one` and the tables of docs/claims.md find tests by their titles.
import assert from "node:assert/strict";
import { test } from "node:test";
import { COMMENT } from "./comments.ts";
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

const TITLE = /\b(?:test|suite)\(\s*(["`])((?:[^"`\\]|\\.)*)\1/g;
const TEXT = /(["`])(?:[^"`\\]|\\.)*?\1/g;

const identifiersOf = (code: string): readonly string[] => code.match(/[A-Za-z]\w*/g) ?? [];

/** Returns `path: name` for each `name()` in a title that is in no program, and in no code of the title's file. */
function unknownSubjects(tests: ReadonlyMap<string, string>, known: ReadonlySet<string>): readonly string[] {
  return [...tests].flatMap(([path, text]) => {
    const code = text.replaceAll(COMMENT, "");
    const own = new Set(identifiersOf(code.replaceAll(TITLE, "").replaceAll(TEXT, "")));
    const named = [...code.matchAll(TITLE)].flatMap(
      ([, , title = ""]) => title.match(/(?<![\w.$])[A-Za-z]\w*(?=\(\))/g) ?? [],
    );
    return named.filter((name) => !known.has(name) && !own.has(name)).map((name) => `${path}: ${name}`);
  });
}

test("functions that titles name exist", () => {
  const programs = ["src", "emulators", "scripts"].flatMap((folder) => Array.from(readSources(folder).values()));
  const known = new Set(programs.flatMap((text) => identifiersOf(text.replaceAll(COMMENT, ""))));
  assert.deepEqual(unknownSubjects(readSources("test"), known), []);
});

test("functions that titles name exist: one that was renamed is found", () => {
  const planted = new Map([
    ["test/a.test.ts", `suite("plan()", () => {});\ntest("planOld() and ours() work", () => ours());`],
  ]);
  assert.deepEqual(unknownSubjects(planted, new Set(["plan"])), ["test/a.test.ts: planOld"]);
});
