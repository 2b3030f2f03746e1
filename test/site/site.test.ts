// The built site: every page is there, every link and anchor leads somewhere, and nothing comes from another host.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, globSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { after, before, suite, test } from "node:test";
import { plainText } from "../../site/headings.ts";
import { rootFrom, siteLink } from "../../site/links.ts";
import { addressOf, neighboursOf, READING_PATHS, SOURCE_PAGES, withLabels } from "../../site/reading-paths.ts";
import { sectionsOf } from "../../site/search-sections.ts";
import { addressOfFile, linkedManifests } from "../../site/shown-files.ts";
import { versionsOf } from "../../site/versions.ts";
import { ROOT, readText } from "../files.ts";
import { createTemporaryDirectory } from "../temporary-files.ts";

const repositoryPages = [...globSync("docs/**/*.md", { cwd: ROOT }), ...globSync("*.md", { cwd: ROOT })];

/** A table or a list of changes may be longer: it is looked up, not read. */
const LONG_PAGES: ReadonlySet<string> = new Set(["CHANGELOG.md"]);
const MAX_PAGE_LINES = 250;

test("no page is longer than a reader reads, and each says at its top what it answers", () => {
  const read = repositoryPages.map((page) => ({ page, lines: readText(page).trimEnd().split("\n") }));
  assert.deepEqual(
    read.filter(({ page, lines }) => lines.length > MAX_PAGE_LINES && !LONG_PAGES.has(page)).map(({ page }) => page),
    [],
  );
  // The first paragraph below the title is a sentence.
  const silent = read.filter(({ lines }) => {
    const title = lines.findIndex((line) => line.startsWith("# "));
    const paragraph = lines.slice(title + 1).find((line) => line !== "" && !line.startsWith("[![")) ?? "";
    return !/^[A-Za-z*`[]/.test(paragraph);
  });
  assert.deepEqual(
    silent.map(({ page }) => page),
    [],
  );
});

test("the start page, README.md and docs/compare.md decide between IRSA and podrole in the same words", () => {
  const words =
    "AWS cannot reach an OIDC issuer of your cluster, and you may not publish one or register it in each AWS account";
  for (const page of ["site/pages/index.njk", "README.md", "docs/compare.md"])
    assert.ok(readText(page).replaceAll(/\s+/g, " ").includes(words), page);
});

test("the start page leads to each reader's task before it explains anything", () => {
  const [, actions = ""] = /<p class="actions">(.*?)<\/p>/s.exec(readText("site/pages/index.njk")) ?? [];
  for (const task of ["compare", "try", "migrate", "troubleshoot"])
    assert.ok(actions.includes(`href="docs/${task}.html"`), task);
});

test("every page that says how much later a pod starts says what the benchmark measured", () => {
  const measured = ["podrole: app", "podrole, Guaranteed: app"].map((variant) => {
    const row = readText("test/bench/README.md")
      .split("\n")
      .find((line) => line.startsWith(`| ${variant} |`));
    return (Number(row?.split("|").at(-2)) / 1000).toFixed(1);
  });
  const pages = [...repositoryPages, "site/pages/index.njk"].map((page) => ({ page, text: readText(page) }));
  const said = pages.flatMap(({ page, text }) =>
    [...text.matchAll(/(\d\.\d) s\b(?:(?!\d\.\d s\b)[^.|])*?Guaranteed pods (\d\.\d) s\b/g)].map(
      ([, ordinary, guaranteed]) => [page, ordinary, guaranteed],
    ),
  );
  assert.ok(said.length >= 5, JSON.stringify(said));
  assert.deepEqual(
    said.filter(([, ...figures]) => figures.join() !== measured.join()),
    [],
  );
});

test("docs/migrate.md has each step in its table of steps, with a heading that exists", () => {
  const text = readText("docs/migrate.md");
  const steps = [...text.matchAll(/^## (\d)\. /gm)].map(([, step]) => step);
  const [table = ""] = /^\| step \|[^]*?\n\n/m.exec(text) ?? [];
  assert.deepEqual(
    [...table.matchAll(/\[(\d) [^\]]+\]\(#\1-/g)].map(([, step]) => step),
    steps,
  );
  assert.ok(steps.length > 8);
});

test("the pictures of the pages are small, and each is shown", () => {
  const pictures = globSync("docs/images/**/*.*", { cwd: ROOT });
  const bytes = pictures.map((picture) => statSync(join(ROOT, picture)).size);
  assert.ok(bytes.reduce((sum, each) => sum + each, 0) < 1_600_000, bytes.join(" "));
  const text = repositoryPages.map(readText).join("\n");
  assert.deepEqual(
    pictures.filter((picture) => !text.includes(`${picture.replace(/^docs\//, "")})`)),
    [],
  );
});

test("every page of the repository is on the site", () => {
  const listed = new Set(SOURCE_PAGES.map(({ source }) => source));
  assert.deepEqual(
    repositoryPages.filter((page) => !listed.has(page)),
    [],
  );
  assert.equal(new Set(SOURCE_PAGES.map(({ source }) => addressOf(source))).size, SOURCE_PAGES.length);
});

suite("the built site", () => {
  const folder = createTemporaryDirectory({ after });
  const htmlOf = new Map<string, string>();

  before(() => {
    execFileSync(process.execPath, ["--no-warnings", "site/build.ts", "--out", folder], { cwd: ROOT, stdio: "pipe" });
    for (const page of globSync("**/*.html", { cwd: folder })) {
      htmlOf.set(page, readFileSync(join(folder, page), "utf8"));
    }
  });

  test("has a page for each source, each manifest that a page links to, the start page and the playground", () => {
    const texts = new Map(SOURCE_PAGES.map(({ source }) => [source, readText(source)]));
    const manifests = linkedManifests(texts).map(addressOfFile);
    assert.ok(manifests.includes("manifests/examples/app.yaml.html"));
    const expected = [
      ...SOURCE_PAGES.map(({ source }) => addressOf(source)),
      ...manifests,
      ...["index.html", "playground.html"],
    ];
    assert.deepEqual([...htmlOf.keys()].toSorted(), expected.toSorted());
  });

  test("links to files and anchors that exist", () => {
    assert.deepEqual(
      [...htmlOf].flatMap(([page, html]) => brokenLinks(folder, page, html, htmlOf)),
      [],
    );
    const planted = '<a href="nowhere.html">x</a><a href="#nothing">y</a>';
    assert.equal(brokenLinks(folder, "index.html", planted, new Map([["index.html", planted]])).length, 2);
  });

  test("loads nothing from another host and runs no script in its pages", () => {
    const loaded = [...htmlOf].flatMap(([page, html]) =>
      [...html.matchAll(/<(?:script|link|img|iframe)\b[^>]*?(?:src|href)="([^"]+)"/g)]
        .map(([, address = ""]) => address)
        .filter((address) => /^(?:[a-z]+:)?\/\//.test(address))
        .map((address) => `${page}: ${address}`),
    );
    assert.deepEqual(loaded, []);
    assert.deepEqual(
      [...htmlOf].filter(([, html]) => /<script>|\son[a-z]+="/.test(html)).map(([page]) => page),
      [],
    );
  });

  test("has each page's title once, as its only first heading", () => {
    const wrong = [...htmlOf].filter(([, html]) => html.match(/<h1[ >]/g)?.length !== 1).map(([page]) => page);
    assert.deepEqual(wrong, []);
  });
});

function brokenLinks(folder: string, page: string, html: string, htmlOf: ReadonlyMap<string, string>): string[] {
  return [...html.matchAll(/(?:href|src)="([^"]+)"/g)]
    .map(([, href = ""]) => href.replaceAll("&amp;", "&"))
    .filter((href) => !/^[a-z][a-z+.-]*:/i.test(href))
    .filter((href) => {
      const [path = "", anchor] = href.split("#");
      const target = path === "" ? page : relative(folder, join(folder, dirname(page), path));
      if (!existsSync(join(folder, target)) && !htmlOf.has(target)) return true;
      return anchor !== undefined && !(htmlOf.get(target) ?? "").includes(`id="${anchor}"`);
    })
    .map((href) => `${page}: ${href}`);
}

suite("siteLink()", () => {
  const page = (href: string, source: string, anchor?: string) => ({ kind: "page", href, source, anchor }) as const;
  const cases = [
    ["install.md#options", "docs/operate.md", page("install.html#options", "docs/install.md", "options")],
    ["../SECURITY.md", "docs/operate.md", page("../security.html", "SECURITY.md")],
    ["docs/adr/cpu-of-a-start.md", "README.md", page("docs/adr/cpu-of-a-start.html", "docs/adr/cpu-of-a-start.md")],
    ["#options", "docs/install.md", page("#options", "docs/install.md", "options")],
    ["https://kubernetes.io/", "README.md", { kind: "outside", href: "https://kubernetes.io/" }],
    [
      "../manifests/base",
      "docs/install.md",
      { kind: "file", path: "manifests/base", href: "https://example.com/manifests/base" },
    ],
  ] as const;
  for (const [href, source, expected] of cases) {
    test(`siteLink() leads from ${source} to ${href} as on the site`, () => {
      assert.deepEqual(siteLink(href, source, "https://example.com"), expected);
    });
  }

  test("siteLink() gives a file no address while the repository has none", () => {
    assert.deepEqual(siteLink("LICENSE", "README.md", undefined), { kind: "file", path: "LICENSE", href: undefined });
  });
});

test("versionsOf() lists the versions of the changelog, with links only to released ones and only if their place is known", () => {
  const changelog =
    "# Changelog\n\n## [Unreleased]\n\n## [1.1.0] - Unreleased\n\n### Added\n\n## [1.0.0] - 2026-12-01\n\n## [0.9.0] - 2026-11-01\n";
  const listed = (others?: string) =>
    versionsOf(changelog, "1.0.0", others).map(({ version, state, isShown, address }) => [
      version,
      state,
      isShown,
      address,
    ]);
  assert.deepEqual(listed(), [
    ["1.1.0", "Unreleased", false, undefined],
    ["1.0.0", "2026-12-01", true, undefined],
    ["0.9.0", "2026-11-01", false, undefined],
  ]);
  assert.deepEqual(
    listed("../").map(([, , , address]) => address),
    [undefined, undefined, "../v0.9.0/index.html"],
  );
});

test("neighboursOf() leads through each path, and from its end into the next one", () => {
  const [first, second] = READING_PATHS.filter(({ pages }) => pages.length > 1);
  const [start, next] = first?.pages ?? [];
  assert.equal(neighboursOf(start?.source ?? "").previous, undefined);
  assert.equal(neighboursOf(start?.source ?? "").next?.label, next?.label);
  const end = neighboursOf(first?.pages.at(-1)?.source ?? "");
  assert.deepEqual([end.next?.label, end.next?.begins?.title], [second?.pages[0]?.label, second?.title]);
  assert.equal(neighboursOf(SOURCE_PAGES.at(-1)?.source ?? "").next, undefined);
});

test("withLabels() names pages as the site does, and leaves other names", () => {
  assert.equal(withLabels("see docs/sdk.md and migrate.md."), "see AWS SDKs and Migrate.");
  assert.equal(withLabels("CHANGELOG.md, other.md, ../docs/sdk.md"), "CHANGELOG.md, other.md, ../docs/sdk.md");
});

test("plainText() drops the marks of code blocks and of line breaks", () => {
  assert.equal(plainText("a<br>b\n\n```console\nhelm list\n```\n"), "a b helm list");
});

test("rootFrom() leads from a page to the site's root", () => {
  assert.deepEqual(["index.html", "docs/install.html", "docs/adr/x.html"].map(rootFrom), ["", "../", "../../"]);
});

test("sectionsOf() splits a page at its headings, and not inside of code", () => {
  const markdown =
    "# Page\n\nIntro [link](x.md).\n\n## Part\n\n```console\n# comment\n```\n\n## Part\n\n| a | b |\n| --- | --- |\n";
  assert.deepEqual(
    sectionsOf(markdown, "Page", "p.html").map(({ address, heading, text }) => [address, heading, text]),
    [
      ["p.html", "Page", "Intro link."],
      ["p.html#part", "Part", "# comment"],
      ["p.html#part-1", "Part", "a b"],
    ],
  );
});
