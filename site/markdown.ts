// How Markdown becomes a page: GitHub's anchors on headings, links of the site, code and tables that scroll.
import { dirname, relative } from "node:path/posix";
import type { MarkdownLibrary, MarkdownToken } from "@11ty/eleventy";
import { anchorOf, type SiteLink, siteLink } from "./links.ts";
import { addressOf, withLabels } from "./reading-paths.ts";
import { addressOfFile } from "./shown-files.ts";

/** What the rules need besides the page. */
export interface MarkdownOptions {
  /** The address below which files of the repository are shown; undefined while it has none. */
  readonly repository: string | undefined;
  /** Returns the words for a page, or for a heading of it, in a sentence. */
  readonly labelOf: (source: string, anchor: string | undefined) => string;
  /** Files of the repository that the site shows. */
  readonly shownFiles: ReadonlySet<string>;
}

/** Adds the rules. */
export function addMarkdownRules(library: MarkdownLibrary, options: MarkdownOptions): void {
  library.set({ html: true, linkify: false, typographer: false });
  library.core.ruler.push("site", ({ tokens, env }) => {
    const { source } = env as { readonly source?: string };
    const anchors = new Set<string>();
    tokens.forEach((token, index) => {
      if (token.type === "heading_open") token.attrSet("id", anchorOf(tokens[index + 1]?.content ?? "", anchors));
      if (source !== undefined) rewriteLinks(token.children ?? [], source, options);
      for (const child of token.children ?? []) if (child.type === "text") child.content = withLabels(child.content);
    });
  });
}

/**
 * Lets the keyboard scroll what is wider than a telephone, code and tables, and marks cells that are a verdict and tables
 * whose first column quotes messages.
 */
export function decorateTables(html: string): string {
  return (
    html
      .replaceAll(/<table>(?=\s*<thead>\s*<tr>\s*<th>what you see)/g, '<table class="symptoms" tabindex="0">')
      // A header without text says nothing about its column.
      .replaceAll("<th></th>", "<td></td>")
      .replaceAll(/<(pre|table)>/g, '<$1 tabindex="0">')
      .replaceAll("<td><strong>allowed</strong></td>", '<td class="allowed"><strong>allowed</strong></td>')
      .replaceAll(/<td>refused: <code>/g, '<td class="refused">refused: <code>')
  );
}

function rewriteLinks(tokens: readonly MarkdownToken[], source: string, options: MarkdownOptions): void {
  tokens.forEach((token, index) => {
    const href = token.type === "link_open" ? token.attrGet("href") : null;
    if (href === null) return;
    const link = siteLink(decodeURI(href), source, options.repository);
    const isShown = link.kind === "file" && options.shownFiles.has(link.path);
    if (isShown) token.attrSet("href", relative(dirname(addressOf(source)), addressOfFile(link.path)));
    else rewriteLink(token, link);
    const text = tokens[index + 1];
    // Pages of the repository link by file name, which is no name on the site.
    if (link.kind === "page" && text && /^[\w./-]+\.md$/.test(text.content))
      text.content = options.labelOf(link.source, link.anchor);
  });
}

function rewriteLink(token: MarkdownToken, link: SiteLink): void {
  if (link.kind === "file") token.attrSet("title", `${link.path}, in the repository`);
  if (link.href === undefined) token.attrs = (token.attrs ?? []).filter(([name]) => name !== "href");
  else token.attrSet("href", link.href);
}

/** Returns the Markdown as the site shows it: without comments, badges and the first heading, which the layout shows. */
export function shownMarkdown(text: string): string {
  return text
    .replaceAll(/<!--[\s\S]*?-->\n?/g, "")
    .replaceAll(/^\[!\[.*\n/gm, "")
    .replace(/^\s*# .*\n/, "");
}

/** Returns the first heading, which is the page's title. */
export function titleOf(text: string): string {
  return (/^# (.+)$/m.exec(text)?.[1] ?? "").replaceAll("`", "");
}
