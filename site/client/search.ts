// Search over the sections of all pages, without a server.
import MiniSearch, { type Query, type SearchResult } from "minisearch";
import type { SearchSection } from "../search-sections.ts";
import { STOP_WORDS, SYNONYMS } from "./synonyms.ts";

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
/** A search of so many words that finds fewer sections than MIN_FOUND is a sentence: some of its words are enough. */
const MIN_WORDS_OF_SENTENCE = 3;
const MIN_FOUND = 3;

const BOOST = { heading: 4, page: 2 };
/** What is short begins too many words: "pod", "podrole", "podTemplate". */
const MIN_PREFIX_LENGTH = 4;
/** Records of the past count less than pages that answer. */
const RECORDS = /^(?:changelog\.html|docs\/adr\/)/;
const RECORD_BOOST = 0.4;
/** The beginnings of the pages for the tasks that the start page names: most readers look for one of them. */
const TASKS = /^docs\/(?:compare|migrate|migrate-kube2iam|troubleshoot)\.html$/;
const TASK_BOOST = 2;
/** A synonym counts less than the word itself. */
const SYNONYM_BOOST = { heading: 2, page: 1, text: 0.5 };

/**
 * Builds the index. Codes such as ROLE_FORBIDDEN and flags such as --role-base-arn are found whole and in parts. A section
 * contains every word or a synonym of it; if there is none outside of the records, or if a sentence finds too few, sections
 * with some of the words follow.
 */
export function createSearch(sections: readonly SearchSection[]): Search {
  const index = new MiniSearch<SearchSection & { readonly id: number }>({
    fields: ["heading", "page", "text"],
    tokenize: tokensOf,
    storeFields: ["address"],
    searchOptions: {
      boost: BOOST,
      boostDocument: (_id, _term, stored) => boostOf(String(stored?.["address"])),
      prefix: (term) => term.length >= MIN_PREFIX_LENGTH,
      fuzzy: 0.15,
    },
  });
  index.addAll(sections.map((section, id) => ({ ...section, id })));
  return (text) => {
    const words = searchedWords(text);
    const queries = words.map(withSynonyms);
    const all = index.search({ combineWith: "AND", queries });
    const answers = all.filter(({ address }) => !isRecord(address));
    const isEnough = answers.length >= (words.length >= MIN_WORDS_OF_SENTENCE ? MIN_FOUND : 1);
    const found = isEnough ? all : [...answers, ...othersThan(answers, index.search({ combineWith: "OR", queries }))];
    return found.slice(0, MAX_FOUND).flatMap(({ id, terms }) => {
      const section = sections[id as number];
      return section === undefined ? [] : [{ ...section, excerpt: excerptOf(section.text, [...words, ...terms]) }];
    });
  };
}

function boostOf(address: string): number {
  if (isRecord(address)) return RECORD_BOOST;
  return TASKS.test(address) ? TASK_BOOST : 1;
}

function isRecord(address: unknown): boolean {
  return RECORDS.test(String(address));
}

function othersThan(some: readonly SearchResult[], results: readonly SearchResult[]): readonly SearchResult[] {
  const ids = new Set(some.map(({ id }) => id as number));
  return results.filter(({ id }) => !ids.has(id as number));
}

function tokensOf(text: string): string[] {
  return splitWords(text).flatMap((word) => wordsOf(word));
}

function splitWords(text: string): readonly string[] {
  return text.replaceAll(/\broll(?:ed|ing)? back\b/gi, "rollback").split(/[\s,;:()"'“”<>=]+/);
}

function wordsOf(word: string): readonly string[] {
  const bare = word.replaceAll(/^[^\p{L}\p{N}]+|[^\p{L}\p{N}]+$/gu, "");
  const parts = bare.split(/[^\p{L}\p{N}]+/u).filter((part) => part !== "");
  return parts.length > 1 ? [bare, ...parts] : parts;
}

/** The words of a search, without those that have no meaning unless there are no others. */
function searchedWords(text: string): readonly string[] {
  const words = splitWords(text.toLowerCase()).filter((word) => wordsOf(word).length > 0);
  const meaningful = words.filter((word) => !STOP_WORDS.has(word));
  return meaningful.length > 0 ? meaningful : words;
}

function withSynonyms(word: string): Query {
  const own: Query = { combineWith: "AND", queries: [word] };
  const synonyms = Object.hasOwn(SYNONYMS, word) ? (SYNONYMS[word] ?? []) : [];
  if (synonyms.length === 0) return own;
  const others = {
    combineWith: "OR" as const,
    queries: [...synonyms],
    boost: SYNONYM_BOOST,
    prefix: false,
    fuzzy: false,
  };
  return { combineWith: "OR", queries: [own, others] };
}

function excerptOf(text: string, words: readonly string[]): string {
  const lower = text.toLowerCase();
  const at = words.map((word) => lower.indexOf(word)).find((position) => position >= 0) ?? 0;
  const from = Math.max(0, at - EXCERPT_LENGTH / 4);
  const cut = text.slice(from, from + EXCERPT_LENGTH);
  return `${from > 0 ? "…" : ""}${cut}${from + EXCERPT_LENGTH < text.length ? "…" : ""}`;
}
