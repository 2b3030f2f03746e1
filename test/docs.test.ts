// What the pages name exists: steps of the drawing in ARCHITECTURE.md, codes, and link targets.
import assert from "node:assert/strict";
import { existsSync, globSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { suite, test } from "node:test";
import { parse } from "yaml";
import { folderOfRoom, importsInWords, ROOMS } from "../scripts/rooms.ts";
import { plan } from "../src/injection/plan.ts";
import { SKIP_REASONS } from "../src/injection/skip-reasons.ts";
import { WARNING_CODES } from "../src/injection/warnings.ts";
import type { Pod } from "../src/kubernetes/objects.ts";
import { CLUSTER_CHECKS } from "../src/operations/check/check.ts";
import { CHECK_PAGES } from "../src/operations/check/finding.ts";
import { ANNOTATION_TABLE, ANNOTATIONS, INJECT_ENABLED, LABELS } from "../src/policy/annotations.ts";
import { ERRORS } from "../src/protocol/errors.ts";
import { ROOT, readText } from "./files.ts";
import { PLAN_SETTINGS } from "./injection/plan-settings.ts";
import { readSources } from "./story/sources.ts";

const pages = [
  "ARCHITECTURE.md",
  "CONTRIBUTING.md",
  "README.md",
  "SECURITY.md",
  "CHANGELOG.md",
  "GOVERNANCE.md",
  "MAINTAINERS.md",
  "SUPPORT.md",
  "manifests/chart/README.md",
  ...below("docs"),
];
const page = new Map(pages.map((name) => [name, readText(name)]));
const sources = readSources("src");
const architecture = page.get("ARCHITECTURE.md") ?? "";

function below(folder: string): string[] {
  return readdirSync(join(ROOT, folder))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `${folder}/${name}`);
}

/** Steps as the drawing writes them: `file · function()`. */
function stepsOf(text: string) {
  return [...text.matchAll(/([\w/-]+\.ts) · (\w+)\(\)/g)].map(([, file = "", name = ""]) => ({ file, name }));
}

function isDefined(source: string | undefined, name: string): boolean {
  return (
    source !== undefined && new RegExp(`(function|const) ${name}\\b|^ {2,}(async )?${name}\\(.*\\{$`, "m").test(source)
  );
}

const KNOWN = new Set([
  ...[...Object.keys(ERRORS), ...Object.keys(SKIP_REASONS), ...Object.keys(CLUSTER_CHECKS)],
  ...[...WARNING_CODES, "INJECTED", "ALREADY_INJECTED", "ISSUED"],
]);
/** Identifiers of other systems with the same pattern as codes. */
const FOREIGN =
  /^(AWS|CAP|NODE|PODROLE|KUBERNETES_SERVICE|HTTP|HTTPS|NO)_|^(ACCESS_DENIED|AUDIT_LOG|AUTHORIZATION_TOKEN_FILE)$/;
const GRPC = new Set(["PERMISSION_DENIED", "INVALID_ARGUMENT"]);

function codesOf(text: string): string[] {
  return [...text.matchAll(/(?<![\w$])[A-Z]+(?:_[A-Z]+)+(?!\.md|[\w…])/g)]
    .map(([code]) => code)
    .filter((code) => !FOREIGN.test(code) && !GRPC.has(code));
}

/** The anchors that GitHub generates from the headings. */
function anchorsOf(text: string): ReadonlySet<string> {
  const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, heading = ""]) => heading);
  return new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}_ -]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}

suite("ARCHITECTURE.md", () => {
  test("every step of the drawing is a function of that file", () => {
    const steps = stepsOf(architecture);
    assert.ok(steps.length > 25, `${steps.length} steps`);
    const missing = steps.filter(({ file, name }) => !isDefined(sources.get(`src/${file}`), name));
    assert.deepEqual(missing, []);
  });

  test("a step that does not exist is found", () => {
    const [step] = stepsOf("policy/decide.ts · decideEverything()");
    assert.equal(isDefined(sources.get(`src/${step?.file}`), step?.name ?? ""), false);
  });

  test("the remarks of the drawing stand in one column", () => {
    const drawing = architecture.split("```").find((part) => part.includes("createWebhookApp()")) ?? "";
    const columns = [...drawing.matchAll(/^(.*· \w+\(\) +)\S/gm)].map(([, before = ""]) => before.length);
    assert.ok(columns.length > 20, `${columns.length} remarks`);
    assert.equal(new Set(columns).size, 1, `columns ${columns.join(", ")}`);
  });

  test("the table of rooms says what scripts/rooms.ts says", () => {
    const rows = [...architecture.matchAll(/^\| `([\w/]+)\/` \| .* \| (.*)\|$/gm)];
    const stated = Object.fromEntries(rows.map(([, folder = "", imports = ""]) => [folder, imports.trim()]));
    for (const room of Object.keys(ROOMS)) assert.equal(stated[folderOfRoom(room)], importsInWords(room), room);
  });

  test("every path in backquotes exists", () => {
    const paths = [...architecture.matchAll(/`((?:src|test|docs|proto|manifests|scripts)\/[\w./-]*)`/g)];
    for (const [, path = ""] of paths) assert.ok(existsSync(join(ROOT, path)), `${path} does not exist`);
  });
});

suite("README.md", () => {
  const readme = page.get("README.md") ?? "";

  test("the refusal is printed with its whole remedy", () => {
    assert.ok(readme.replaceAll(/\s+/g, " ").includes(`does not match -- ${ERRORS.ROLE_FORBIDDEN.remedy} \`\`\``));
  });
});

suite("CONTRIBUTING.md", () => {
  test("the example of test:one selects one test", () => {
    const pattern =
      /`npm run test:one -- '([^']+)'`/.exec(page.get("CONTRIBUTING.md") ?? "")?.[1] ?? assert.fail("no example");
    const texts = globSync("test/**/*.test.ts", { cwd: ROOT }).map((name) => readText(name));
    const found = texts.flatMap((text) => text.split("\n").filter((line) => line.includes(pattern)));
    assert.equal(found.length, 1, found.join("\n"));
  });
});

suite("docs/README.md", () => {
  test("links to every page of docs/", () => {
    const index = page.get("docs/README.md") ?? "";
    const pagesOfDocs = globSync("**/*.md", { cwd: join(ROOT, "docs") }).filter((name) => name !== "README.md");
    assert.ok(pagesOfDocs.length > 40, `${pagesOfDocs.length} pages`);
    assert.deepEqual(
      pagesOfDocs.filter((name) => !index.includes(`](${name})`) && !index.includes(`](${name}#`)),
      [],
    );
  });
});

suite("docs/roles.md", () => {
  const roles = page.get("docs/roles.md") ?? "";

  test("has a row for each annotation that podrole reads, with the objects that may have it", () => {
    const rows = [...roles.matchAll(/^\| (`.*`) \| (.*?) \| .* \|$/gm)].map(([, names = "", on = ""]) => ({
      names,
      on,
    }));
    for (const { name, on } of Object.values(ANNOTATION_TABLE)) {
      const row = rows.find(({ names }) =>
        names
          .replaceAll("…", "podrole.io/sidecar")
          .split(", ")
          .some((each) => each.slice(1).startsWith(name) && /^(?:`|: |<)/.test(each.slice(1 + name.length))),
      );
      const kinds = { pod: "Pod", serviceAccount: "ServiceAccount", namespace: "Namespace" };
      assert.equal(row?.on, on.map((kind) => kinds[kind]).join(", "), name);
    }
  });

  test("the example of two roles gets them, and no third one", () => {
    const example = /```yaml\n(.*?)```/s.exec(roles)?.[1] ?? assert.fail("no example");
    const pod = parse(example) as Pod;
    const annotations = { [ANNOTATIONS.permitted]: ".*:role/shop-.*" };
    const namespace = { name: "shop", labels: { [LABELS.inject]: INJECT_ENABLED }, annotations };
    const planned = plan({ pod, namespace, serviceAccountAnnotations: {} }, PLAN_SETTINGS);
    assert.deepEqual(
      planned.roles.map(({ container, asked }) => [container, asked]),
      [
        ["app", "shop-orders"],
        ["backup", "shop-backup"],
      ],
    );
  });
});

suite("codes", () => {
  for (const [name, text] of page) {
    test(`${name} names codes and skip reasons that exist`, () => {
      assert.deepEqual(
        codesOf(text).filter((code) => !KNOWN.has(code)),
        [],
      );
    });
  }

  test("a code that does not exist is found", () => {
    assert.deepEqual(codesOf("`ROLE_UNHEARD_OF`, AWS_REGION, STS_DENIED"), ["ROLE_UNHEARD_OF", "STS_DENIED"]);
  });

  test("docs/errors.md has a heading for every row of ERRORS, and no other", () => {
    const headings = [...(page.get("docs/errors.md") ?? "").matchAll(/^### ([A-Z_]+)$/gm)].map(([, code = ""]) => code);
    assert.deepEqual(new Set(headings), new Set(Object.keys(ERRORS)));
    assert.equal(headings.length, Object.keys(ERRORS).length);
  });

  test("docs/outages.md lists the permanent errors that revoke credentials, and those that do not", () => {
    const codesOfRow = (start: string) =>
      codesOf((page.get("docs/outages.md") ?? "").split("\n").find((line) => line.includes(start)) ?? "").toSorted();
    const atEndpoint = new Set(codesOfRow("| at any time |"));
    // Readers of the server's state get it, and no sidecar.
    const elsewhere = new Set([...atEndpoint, "READER_FORBIDDEN"]);
    const permanent = (keep: boolean) =>
      Object.entries(ERRORS)
        .filter(([code, row]) => !row.retry && row.keep === keep && !elsewhere.has(code))
        .map(([code]) => code)
        .toSorted();
    assert.deepEqual(codesOfRow("permanent, and revokes"), permanent(false));
    assert.deepEqual(codesOfRow("permanent, and does not revoke"), permanent(true));
  });

  test("the pages of the checks have a heading for every check of their sections, and no other", () => {
    for (const name of new Set(Object.values(CHECK_PAGES))) {
      const headings = [...(page.get(name) ?? "").matchAll(/^### (\w+)$/gm)].map(([, id = ""]) => id);
      const own = Object.entries(CLUSTER_CHECKS).filter(([, { section }]) => CHECK_PAGES[section] === name);
      assert.deepEqual(headings.toSorted(), own.map(([id]) => id).toSorted(), name);
    }
  });

  test("every row of ERRORS is used outside its table", () => {
    const text = [...sources].filter(([path]) => path !== "src/protocol/error-table.ts").map(([, source]) => source);
    const unused = Object.keys(ERRORS).filter((code) => !text.some((source) => source.includes(`"${code}"`)));
    assert.deepEqual(unused, []);
  });

  test("every code that a refusal in src carries is a row of ERRORS", () => {
    const used = [...sources].flatMap(([path, source]) =>
      [...source.matchAll(/(?:\bcode: |new PodroleError\(\s*)"([A-Z]+(?:_[A-Z]+)*)"/g)].map(([, code = ""]) => ({
        path,
        code,
      })),
    );
    assert.deepEqual(
      used.filter(({ code }) => !KNOWN.has(code) && code !== "OK"),
      [],
    );
  });
});

suite("links", () => {
  for (const [name, text] of page) {
    test(`${name} links to files that exist`, () => {
      // `../../actions/` is the host's page of workflows, relative to a page at the top of the repository.
      const links = [...text.matchAll(/\]\((?!https?:|mailto:|#|\.\.\/\.\.\/actions\/)([^)#\s]+)(?:#[^)]*)?\)/g)].map(
        ([, link = ""]) => link,
      );
      const broken = links.filter((link) => !existsSync(resolve(ROOT, dirname(name), link)));
      assert.deepEqual(broken, []);
    });

    test(`${name} links to headings that exist`, () => {
      const links = [...text.matchAll(/\]\((?!https?:|mailto:)([^)#\s]*)#([^)\s]+)\)/g)];
      const broken = links.filter(([, file = "", anchor = ""]) => {
        const path = file === "" ? resolve(ROOT, name) : resolve(ROOT, dirname(name), file);
        return path.endsWith(".md") && existsSync(path) && !anchorsOf(readFileSync(path, "utf8")).has(anchor);
      });
      assert.deepEqual(
        broken.map(([link]) => link),
        [],
      );
    });
  }

  test("a heading that does not exist is found", () => {
    assert.deepEqual([...anchorsOf("# A b\n\n## `x`, and Y's\n")], ["a-b", "x-and-ys"]);
  });
});

suite("package.json", () => {
  const { scripts } = JSON.parse(readText("package.json")) as {
    readonly scripts: Readonly<Record<string, string>>;
  };
  /** Files and globs that a script names. */
  const filesOf = (command: string) => command.match(/(?:\.ci|emulators|scripts|src|test)\/[^\s']+/g) ?? [];

  for (const [name, command] of Object.entries(scripts)) {
    test(`every file that npm run ${name} names exists`, () => {
      for (const file of filesOf(command)) assert.ok(globSync(file, { cwd: ROOT }).length > 0, file);
    });
  }

  test("files are found in a script", () => {
    assert.deepEqual(filesOf("node --test 'test/*.test.ts' && node scripts/x.ts --check"), [
      "test/*.test.ts",
      "scripts/x.ts",
    ]);
  });
});

test("docs/roadmap.md plans no flag that exists, nor a value that it accepts", () => {
  const planned =
    page
      .get("docs/roadmap.md")
      ?.split(/^## /m)
      .find((section) => section.startsWith("Planned")) ?? "";
  assert.match(planned, /\| A first release/);
  const settings = page.get("docs/configuration.md")?.split("\n") ?? [];
  const isSetting = (flag: string, value: string | undefined) =>
    settings.some((row) => row.startsWith(`| \`${flag}\` |`) && (value === undefined || row.includes(`"${value}"`)));
  assert.ok(isSetting("--pod-certificates", "auto") && !isSetting("--pod-certificates", "never"));
  const flags = [...planned.matchAll(/`(--[\w-]+)(?:=([\w-]+))?`/g)];
  assert.deepEqual(
    flags.filter(([, flag = "", value]) => isSetting(flag, value)).map(([text]) => text),
    [],
  );
});
