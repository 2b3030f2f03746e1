// The sections of the pages, as the search finds them. Pure.
import { anchorOf } from "./links.ts";

/** A part of a page below one heading. */
export interface SearchSection {
  /** From the site's root: "docs/install.html#the-images". */
  readonly address: string;
  readonly page: string;
  readonly heading: string;
  readonly text: string;
}

/** Returns the sections of one page; headings inside of code blocks are none. */
export function sectionsOf(markdown: string, page: string, address: string): readonly SearchSection[] {
  const anchors = new Set<string>();
  const sections: SearchSection[] = [];
  let heading = page;
  let anchor = "";
  let lines: string[] = [];
  let isCode = false;
  const close = () => {
    const text = plainText(lines.join("\n"));
    if (text !== "") sections.push({ address: address + anchor, page, heading, text });
    lines = [];
  };
  for (const line of markdown.split("\n")) {
    if (line.trimStart().startsWith("```")) isCode = !isCode;
    const [, level, title] = (!isCode && /^(#{1,6}) (.+)$/.exec(line)) || [];
    if (title === undefined) {
      lines.push(line);
      continue;
    }
    close();
    const next = anchorOf(title, anchors);
    heading = level === "#" ? page : plainText(title);
    anchor = level === "#" ? "" : `#${next}`;
  }
  close();
  return sections;
}

function plainText(markdown: string): string {
  return markdown
    .replaceAll(/<!--[\s\S]*?-->/g, "")
    .replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replaceAll(/^\|[ :|-]+\|$/gm, "")
    .replaceAll(/[`*|]/g, " ")
    .replaceAll(/\s+/g, " ")
    .trim();
}
