// The sections of the pages, as the search finds them. Pure.
import { headingsOf, plainText } from "./headings.ts";
import { withLabels } from "./reading-paths.ts";

/** A part of a page below one heading. */
export interface SearchSection {
  /** From the site's root: "docs/install.html#the-images". */
  readonly address: string;
  readonly page: string;
  readonly heading: string;
  readonly text: string;
}

/** Returns the sections of one page that contain text. */
export function sectionsOf(markdown: string, page: string, address: string): readonly SearchSection[] {
  const lines = markdown.split("\n");
  const headings = headingsOf(markdown);
  return headings.flatMap(({ level, text: title, anchor, line }, index) => {
    const text = withLabels(plainText(lines.slice(line + 1, headings[index + 1]?.line).join("\n")));
    if (text === "") return [];
    const isTitle = level === 1;
    return [{ address: isTitle ? address : `${address}#${anchor}`, page, heading: isTitle ? page : title, text }];
  });
}
