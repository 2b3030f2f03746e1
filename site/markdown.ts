// How Markdown becomes a page: GitHub's anchors on headings, links of the site, code and tables that scroll.
import type { MarkdownLibrary, MarkdownToken } from "@11ty/eleventy";
import { anchorOf, siteLink } from "./links.ts";

/** Adds the rules; `repository` is the address below which files of the repository are shown. */
export function addMarkdownRules(library: MarkdownLibrary, repository: string | undefined): void {
  library.set({ html: true, linkify: false, typographer: false });
  library.core.ruler.push("site", ({ tokens, env }) => {
    const { source } = env as { readonly source?: string };
    const anchors = new Set<string>();
    tokens.forEach((token, index) => {
      if (token.type === "heading_open") token.attrSet("id", anchorOf(tokens[index + 1]?.content ?? "", anchors));
      for (const child of token.children ?? []) if (source !== undefined) rewriteLink(child, source, repository);
    });
  });
}

/** Lets the keyboard scroll what is wider than a telephone: code and tables. */
export function makeScrollable(html: string): string {
  return html.replaceAll(/<(pre|table)>/g, '<$1 tabindex="0">');
}

function rewriteLink(token: MarkdownToken, source: string, repository: string | undefined): void {
  const href = token.type === "link_open" ? token.attrGet("href") : null;
  if (href === null) return;
  const link = siteLink(decodeURI(href), source, repository);
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
