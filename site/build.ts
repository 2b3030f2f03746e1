// npm run site: builds the site of README.md, docs/ and the playground into dist/site. It works from a disk and below any
// path of a server; nothing in it calls another host.
import { copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { Eleventy } from "@11ty/eleventy";
import { build } from "esbuild";
import { startScript } from "../scripts/command-line/start-script.ts";
import { ROOT } from "../scripts/root.ts";
import { SITE_PAGES, siteConfig } from "./eleventy.ts";
import { titleOf } from "./markdown.ts";
import { addressOf, SOURCE_PAGES } from "./reading-paths.ts";
import { sectionsOf } from "./search-sections.ts";
import { linkedManifests } from "./shown-files.ts";
import { versionsOf } from "./versions.ts";

const read = (source: string) => readFileSync(join(ROOT, source), "utf8");

interface PackageFields {
  readonly version: string;
  /** Of the repository. */
  readonly homepage: string;
}

const { values } = startScript("site");
const out = resolve(ROOT, values.out);
const { version, homepage } = JSON.parse(read("package.json")) as PackageFields;
// No link leads to a repository without an owner.
const repository = homepage.includes("/OWNER/") ? undefined : `${homepage}/blob/v${version}`;
const versions = versionsOf(read("CHANGELOG.md"), version, values.others);
const texts = new Map(SOURCE_PAGES.map(({ source }) => [source, read(source)]));
const manifests = new Map(linkedManifests(texts).map((path) => [path, read(path)]));

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
process.chdir(ROOT);
const eleventy = new Eleventy(SITE_PAGES, out, {
  quietMode: true,
  config: siteConfig({ version, versions, repository, manifests, readPage: (source) => texts.get(source) ?? "" }),
});
await eleventy.write();

const sections = [...texts].flatMap(([source, text]) => sectionsOf(text, titleOf(text), addressOf(source)));
// A script and not JSON: a page on a disk may load scripts, but not fetch files.
writeFileSync(join(out, "sections.js"), `globalThis.podroleSections = ${JSON.stringify(sections)};\n`);
cpSync(join(ROOT, "docs/images"), join(out, "docs/images"), { recursive: true });
copyFileSync(join(ROOT, "site/site.css"), join(out, "site.css"));
await build({
  absWorkingDir: ROOT,
  entryPoints: ["theme", "site", "playground"].map((name) => `site/client/${name}.ts`),
  outdir: out,
  bundle: true,
  minify: true,
  format: "iife",
  platform: "browser",
  target: "es2024",
  logLevel: "warning",
});
console.log(
  `${SOURCE_PAGES.length + manifests.size + 2} pages, ${sections.length} sections: ${pathToFileURL(join(out, "index.html")).href}`,
);
