// The site's configuration of Eleventy: one page for each file of SOURCE_PAGES, the start page and the playground.
import type { EleventyConfig } from "@11ty/eleventy";
import { headingsOf } from "./headings.ts";
import { rootFrom } from "./links.ts";
import { addMarkdownRules, decorateTables, shownMarkdown, titleOf } from "./markdown.ts";
import { addressOf, neighboursOf, READING_PATHS, SOURCE_PAGES } from "./reading-paths.ts";
import { addressOfFile } from "./shown-files.ts";
import { type ListedVersion, UNRELEASED } from "./versions.ts";

/** The folder of the pages that are no file of docs/: start and playground. */
export const SITE_PAGES = "site/pages";

/** A row with six columns or more needs the place of the list of headings. */
const WIDE_TABLE = /^\|(?:(?:[^|\n\\]|\\.)*\|){6,}$/m;

/** Fewer headings need no list. */
const MIN_CONTENTS = 3;

/** What the pages show besides their text. */
export interface SiteOptions {
  readonly version: string;
  readonly versions: readonly ListedVersion[];
  /** The address below which files of the repository are shown; undefined while it has none. */
  readonly repository: string | undefined;
  /** Returns a file of the repository. */
  readonly readPage: (source: string) => string;
  /** Manifests that the pages link to, by path from the root of the repository. */
  readonly manifests: ReadonlyMap<string, string>;
}

/** Returns what configures Eleventy for the site. */
export function siteConfig({
  version,
  versions,
  repository,
  readPage,
  manifests,
}: SiteOptions): (config: EleventyConfig) => void {
  const navigation = READING_PATHS.map(({ title, question, pages }) => ({
    title,
    question,
    pages: pages.map(({ source, label }) => ({ label, address: addressOf(source) })),
  }));
  const isUnreleased = versions.some((each) => each.isShown && each.state === UNRELEASED);
  const labels = new Map(SOURCE_PAGES.map(({ source, label }) => [source, label]));
  const labelOf = (source: string, anchor: string | undefined) => {
    const heading = headingsOf(readPage(source)).find((each) => each.anchor === anchor);
    return [labels.get(source) ?? source, ...(heading ? [heading.text] : [])].join(" › ");
  };
  return (config) => {
    config.setQuietMode(true);
    config.setTemplateFormats(["md", "njk"]);
    config.setIncludesDirectory("../layouts");
    config.addGlobalData("navigation", navigation);
    config.addGlobalData("release", isUnreleased ? `${version}, unreleased` : version);
    config.addGlobalData("isUnreleased", isUnreleased);
    config.addGlobalData("versions", versions);
    config.addGlobalData("repository", repository);
    config.addFilter("rootFrom", (address: string) => rootFrom(address.replace(/^\//, "")));
    config.amendLibrary("md", (library) =>
      addMarkdownRules(library, { repository, labelOf, shownFiles: new Set(manifests.keys()) }),
    );
    config.addTransform("tables", decorateTables);
    for (const { source } of SOURCE_PAGES) {
      const text = readPage(source);
      const contents = headingsOf(shownMarkdown(text)).filter(({ level }) => level <= 3);
      config.addTemplate(`${SITE_PAGES}/${source}`, shownMarkdown(text), {
        layout: "page.njk",
        title: titleOf(text),
        permalink: addressOf(source),
        source,
        contents: contents.length >= MIN_CONTENTS ? contents : [],
        templateEngineOverride: "md",
        wide: WIDE_TABLE.test(text),
        ...neighboursOf(source),
      });
    }
    for (const [path, text] of manifests) {
      config.addTemplate(`${SITE_PAGES}/${path}.md`, `\`\`\`yaml\n${text}\`\`\`\n`, {
        layout: "page.njk",
        title: path,
        permalink: addressOfFile(path),
        templateEngineOverride: "md",
      });
    }
  };
}
