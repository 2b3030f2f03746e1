// Search over the sections of all pages, without a server.
import MiniSearch from "minisearch";
import type { SearchSection } from "../search-sections.ts";

declare global {
  /** Set by sections.js. */
  var podroleSections: readonly SearchSection[] | undefined;
}

/** A section that was found, with the text around the first word of the search. */
export interface FoundSection extends Pick<SearchSection, "address" | "page" | "heading"> {
  readonly excerpt: string;
}

/** Returns the best sections for the words, best first. */
export type Search = (words: string) => readonly FoundSection[];

const MAX_FOUND = 12;
const EXCERPT_LENGTH = 160;

/** Builds the index. Codes such as ROLE_FORBIDDEN and flags such as --role-base-arn are found whole and in parts. */
export function createSearch(sections: readonly SearchSection[]): Search {
  const index = new MiniSearch<SearchSection & { readonly id: number }>({
    fields: ["heading", "page", "text"],
    tokenize: (text) => text.split(/[\s,;:()"'“”<>=]+/).flatMap((word) => wordsOf(word)),
    searchOptions: { boost: { heading: 4, page: 2 }, prefix: true, fuzzy: 0.15, combineWith: "AND" },
  });
  index.addAll(sections.map((section, id) => ({ ...section, id })));
  return (words) =>
    index
      .search(words)
      .slice(0, MAX_FOUND)
      .flatMap(({ id }) => {
        const section = sections[id as number];
        return section === undefined ? [] : [{ ...section, excerpt: excerptOf(section.text, words) }];
      });
}

function wordsOf(word: string): readonly string[] {
  const bare = word.replaceAll(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, "");
  const parts = bare.split(/[^\p{L}\p{N}]+/u).filter((part) => part !== "");
  return parts.length > 1 ? [bare, ...parts] : parts;
}

function excerptOf(text: string, words: string): string {
  const [first = ""] = words.toLowerCase().split(/\s+/);
  const at = text.toLowerCase().indexOf(first);
  const from = Math.max(0, at - EXCERPT_LENGTH / 4);
  const cut = text.slice(from, from + EXCERPT_LENGTH);
  return `${from > 0 ? "…" : ""}${cut}${from + EXCERPT_LENGTH < text.length ? "…" : ""}`;
}
