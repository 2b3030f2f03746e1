// Functions, files and flags that comments and pages name must exist. No compiler finds a comment that names something
// that was renamed or removed, and such a comment misleads its readers. A name that stands at the top level of a file
// is declared in no other file of the programs, so that a search for it finds one meaning.
import assert from "node:assert/strict";
import { existsSync, globSync } from "node:fs";
import { dirname, join } from "node:path";
import { suite, test } from "node:test";
import { flagName } from "../src/runtime/settings.ts";
import { SERVER_SETTINGS } from "../src/settings/server.ts";
import { WEBHOOK_SETTINGS } from "../src/settings/webhook.ts";
import { SIDECAR_SETTINGS } from "../src/sidecar/settings.ts";
import { COMMENT } from "./comments.ts";
import { ROOT, readText } from "./files.ts";
import { readSources } from "./story/sources.ts";

const sources = new Map(["src", "emulators", "test", "scripts"].flatMap((folder) => Array.from(readSources(folder))));
const pages = new Map(
  globSync(["*.md", "docs/*.md", "manifests/**/*.md", "test/**/README.md"], { cwd: ROOT })
    .filter((path) => path !== "CHANGELOG.md")
    .map((path) => [path, readText(path)] as const),
);

const commentsOf = (source: string) => [...source.matchAll(COMMENT)].map(([comment]) => comment).join("\n");
const codeOf = (source: string) => source.replaceAll(COMMENT, "");

const DECLARED = /^(export )?(?:async )?(?:function\*?|const|let|class|interface|type) (\w+)/gm;
/** Returns the names at the top level of a file. */
const declarationsOf = (source: string) => [...source.matchAll(DECLARED)].map(([, , name = ""]) => name);
const exportsOf = (source: string) =>
  [...source.matchAll(DECLARED)].flatMap(([, keyword, name = ""]) => (keyword === undefined ? [] : [name]));
const exported = new Set([...sources.values()].flatMap(exportsOf));

/** Names that several files may declare at their top level: the entry function of each program. */
const IDIOMS = new Set(["main"]);

/** Functions and methods of Node, JavaScript and libraries that comments mention. */
const FOREIGN_FUNCTIONS = new Set([
  ...["rate", "require"], // PromQL, CommonJS
]);

/** Returns each `name()` in a comment that is neither a name in the same file's code nor exported by any file. */
function unknownFunctions(source: string): string[] {
  const code = new Set(codeOf(source).match(/\w+/g));
  return [...commentsOf(source).matchAll(/(?<![\w.])(\w+)\(\)/g)]
    .map(([, name = ""]) => name)
    .filter((name) => !code.has(name) && !exported.has(name) && !FOREIGN_FUNCTIONS.has(name));
}

/** Returns `name: file, file` for each name that `namesOf` finds in several files. Overloads are in one file. */
function twins(given: ReadonlyMap<string, string>, namesOf: (source: string) => readonly string[]): string[] {
  const byName = Map.groupBy(
    [...given].flatMap(([path, text]) => Array.from(new Set(namesOf(text)), (name) => ({ name, path }))),
    ({ name }) => name,
  );
  return [...byName].flatMap(([name, found]) =>
    found.length > 1 && !IDIOMS.has(name) ? [`${name}: ${found.map(({ path }) => path).join(", ")}`] : [],
  );
}

/** Base names of the files in the repository, without generated and fetched ones. */
const baseNames = new Set(
  globSync("{src,emulators,test,scripts,docs,manifests,proto,.ci}/**/*.*", { cwd: ROOT })
    .concat(globSync("*.*", { cwd: ROOT }))
    .map((path) => path.split("/").at(-1)),
);

/** Files that operators create. */
const FOREIGN_FILES = new Set(["waves.sh", "wave1.sh", "back1.sh"]);

/** Returns each file named in a text that exists neither below the root nor below `src/`, nor beside the given path. */
function unknownFiles(path: string, text: string): string[] {
  return [...text.matchAll(/(?<![\w./:@${}<*-])((?:[\w.-]+\/)*[\w-][\w.-]*\.(?:ts|sh|proto))(?![\w/(-])/g)]
    .map(([, name = ""]) => name)
    .filter((name) => {
      const places = [name, `src/${name}`, join(dirname(path), name)];
      return name.includes("/") ? !places.some((place) => existsSync(join(ROOT, place))) : !baseNames.has(name);
    })
    .filter((name) => !FOREIGN_FILES.has(name));
}

const ownFlags = new Set(
  [SERVER_SETTINGS, WEBHOOK_SETTINGS, SIDECAR_SETTINGS]
    .flatMap((table) => Object.keys(table))
    .flatMap((key) => [`--${flagName(key)}`, `--no-${flagName(key)}`]),
);
const scripts = globSync("{scripts,test,.ci}/**/{*.sh,run}", { cwd: ROOT }).map((path) => readText(path));
const SELF = "test/names.test.ts";
/** Code without comments, for the flags in it: options of commands and scripts, and of programs that tests start. */
const code = [
  ...[...sources, ...readSources("site")].filter(([path]) => path !== SELF).map(([, text]) => codeOf(text)),
  ...scripts,
].join("\n");
const namedFlags = new Set([
  ...(code.match(/(?<![\w-])--[a-z][a-z0-9-]+/g) ?? []),
  // parseArgs of node:util.
  ...[...code.matchAll(/"?([a-z][\w-]*)"?: \{ type: "(?:string|boolean)"/g)].map(([, name]) => `--${name}`),
]);

/** Flags of other programs that comments and pages mention. */
const FOREIGN_FLAGS: ReadonlySet<string> = new Set(
  Object.values({
    kubectl: [
      ...["--all", "--as", "--attach", "--edit", "--overrides", "--override-type", "--overwrite", "--patch"],
      ...["--container", "--copy-to", "--env", "--keep-annotations", "--keep-init-containers", "--keep-labels"],
      ...["--restart", "--subnet", "--ignore-daemonsets", "--delete-emptydir-data"],
    ],
    npm: ["--global", "--omit", "--provenance"],
    cosign: ["--type", "--predicate", "--certificate-identity-regexp", "--certificate-oidc-issuer"],
    gh: ["--repo", "--signer-workflow"],
    helm: ["--create-namespace", "--namespace", "--reuse-values", "--set-string"],
    docker: ["--chmod", "--platform", "--push", "--rm", "--use", "--user"],
    aws: [
      ...["--disable-session-tags", "--policy-name", "--instance-id", "--http-tokens", "--http-put-response-hop-limit"],
      ...["--access-key-id", "--filters", "--association-id", "--iam-instance-profile", "--instance-ids"],
      ...["--assume-role-policy-document", "--instance-profile-name", "--role-session-name"],
    ],
    eksctl: ["--cluster", "--approve", "--role-only", "--attach-policy-arn"],
    apiServer: ["--service-account-jwks-uri"],
    kops: ["--yes"],
    rolesAnywhere: ["--certificate", "--private-key", "--profile-arn", "--trust-anchor-arn"],
    kube2iam: ["--iam-external-id", "--namespace-key"],
    node: ["--test-name-pattern", "--test-random-seed"],
    anyFlag: ["--flag", "--no-flag", "--name"],
  }).flat(),
);

function unknownFlags(text: string): string[] {
  return [...text.matchAll(/(?<![\w-])--[a-z][a-z0-9-]+/g)]
    .map(([flag]) => flag)
    .filter((flag) => !ownFlags.has(flag) && !namedFlags.has(flag) && !FOREIGN_FLAGS.has(flag));
}

/** Excludes this file, which names things that do not exist to show that they are found. */
const others = [...sources].filter(([path]) => path !== SELF);

suite("declared names", () => {
  const programs = new Map(["src", "emulators", "scripts"].flatMap((folder) => Array.from(readSources(folder))));

  test("a name at the top level of a program's file is declared in one file", () => {
    assert.deepEqual(twins(programs, declarationsOf), []);
  });

  test("a name that a file exports, including helpers of tests, is exported by one file", () => {
    // The stand-ins of the simulation export the names of the modules that they replace.
    const compared = [...sources].filter(([path]) => !path.startsWith("test/simulate/"));
    assert.deepEqual(twins(new Map(compared), exportsOf), []);
  });

  const planted = new Map([
    ["src/a.ts", "export interface Slot {}\nexport async function open() {}\nconst MAX = 1;\nfunction read() {}"],
    ["emulators/b.ts", "export type Slot = string;\nexport class Mine {}\nfunction read() {}\nfunction main() {}"],
    [
      "scripts/c.ts",
      "export const open = 1;\nexport const MAX = 2;\nimport { Mine } from './b.ts';\nfunction main() {}",
    ],
  ]);

  test("a name in two files is found, whatever it is", () => {
    assert.deepEqual(twins(planted, declarationsOf), [
      "Slot: src/a.ts, emulators/b.ts",
      "open: src/a.ts, scripts/c.ts",
      "MAX: src/a.ts, scripts/c.ts",
      "read: src/a.ts, emulators/b.ts",
    ]);
  });

  test("a name that two files export is found", () => {
    assert.deepEqual(twins(planted, exportsOf), ["Slot: src/a.ts, emulators/b.ts", "open: src/a.ts, scripts/c.ts"]);
  });
});

suite("names in comments", () => {
  test("sources with comments are read", () => {
    assert.ok(sources.size > 400, `${sources.size} sources`);
    assert.ok(exported.size > 500, `${exported.size} exported names`);
  });

  test("every function is defined", () => {
    const unknown = others.flatMap(([path, text]) => unknownFunctions(text).map((name) => `${path}: ${name}()`));
    assert.deepEqual(unknown, []);
  });

  test("every file exists", () => {
    const unknown = others.flatMap(([path, text]) =>
      unknownFiles(path, commentsOf(text)).map((name) => `${path}: ${name}`),
    );
    assert.deepEqual(unknown, []);
  });

  test("every flag is one of podrole or of another known program", () => {
    const unknown = others.flatMap(([path, text]) => unknownFlags(commentsOf(text)).map((flag) => `${path}: ${flag}`));
    assert.deepEqual(unknown, []);
  });
});

suite("names in pages", () => {
  test("every file exists", () => {
    const unknown = [...pages].flatMap(([path, text]) => unknownFiles(path, text).map((name) => `${path}: ${name}`));
    assert.deepEqual(unknown, []);
  });

  test("every flag in backquotes or commands exists", () => {
    const unknown = [...pages].flatMap(([path, text]) => unknownFlags(text).map((flag) => `${path}: ${flag}`));
    assert.deepEqual(unknown, []);
  });
});

suite("a name that does not exist is found", () => {
  test("a function", () => {
    assert.deepEqual(unknownFunctions("// Ends when hurryUpNow() ran.\nconst a = 1;"), ["hurryUpNow"]);
    assert.deepEqual(unknownFunctions("// Ends when hurry() ran.\nfunction hurry() {}"), []);
  });

  test("a file", () => {
    assert.deepEqual(unknownFiles("src/server/main.ts", "see src/server/gone.ts and gone.ts, not main.ts"), [
      "src/server/gone.ts",
      "gone.ts",
    ]);
  });

  test("a flag", () => {
    assert.deepEqual(unknownFlags("`--sts-rate`, `--unheard-of`"), ["--unheard-of"]);
  });
});
