// The headings of a page in Markdown, with GitHub's anchors. Pure.
import { anchorOf } from "./links.ts";

/** A heading of a page. */
export interface Heading {
  /** From 1 (the page's title) to 6. */
  readonly level: number;
  /** Without Markdown's marks. */
  readonly text: string;
  readonly anchor: string;
  /** Index of its line. */
  readonly line: number;
}

/** Returns the headings in the order of the page; those inside of code blocks are none. */
export function headingsOf(markdown: string): readonly Heading[] {
  const anchors = new Set<string>();
  let isCode = false;
  return markdown.split("\n").flatMap((content, line) => {
    if (content.trimStart().startsWith("```")) isCode = !isCode;
    const [, marks, title] = (!isCode && /^(#{1,6}) (.+)$/.exec(content)) || [];
    if (marks === undefined || title === undefined) return [];
    return [{ level: marks.length, text: plainText(title), anchor: anchorOf(title, anchors), line }];
  });
}

/** Returns the text that a reader sees of a piece of Markdown, in one line. */
export function plainText(markdown: string): string {
  return markdown
    .replaceAll(/<!--[\s\S]*?-->/g, "")
    .replaceAll(/^ *```.*$/gm, "")
    .replaceAll(/<br *\/?>/g, " ")
    .replaceAll(/!?\[([^\]]*)\]\([^)]*\)/g, "$1")
    .replaceAll(/^\|[ :|-]+\|$/gm, "")
    .replaceAll(/[`*|]/g, " ")
    .replaceAll(/\s+/g, " ")
    .trim();
}
