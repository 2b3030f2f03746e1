// Parses a document as go-yaml does if lines of its quoted texts are indented too little: the `yaml` package ends such
// a text at the line, so the line is indented and the document parsed again. One more parse serves all such texts that
// it finds, as far as the next one confirms them; the characters that are parsed again are bounded by the document's.
import { type Document, parseAllDocuments, Scalar, visit, type YAMLError } from "yaml";

/** A parsed document (undefined if it contains nothing), and the offset in the given text of a parser's position. */
export interface LooselyParsed {
  readonly document: Document.Parsed | undefined;
  readonly offsetOf: (position: number) => number;
}

/** A quoted text that the parser ended too early; numbers are offsets into the given text. */
interface LooseQuote {
  readonly start: number;
  readonly end: number;
  /** Where its lines begin that are indented too little. */
  readonly lines: readonly number[];
}

const PADDING = " ".repeat(80);
const MAX_ROUNDS = 100;

/**
 * Characters that may be parsed again. All texts of a document are nearly always found in one round of two parses;
 * texts that hide others from the parser cost a round each.
 */
const maxCharactersAgain = ({ length }: string): number => 10 * length + 16 * 1024;

/**
 * Parses a document. If it has so many quoted texts with too little indentation that they would cost too many parses,
 * the error of one remains.
 */
export function parseLoosely(text: string): LooselyParsed {
  let kept: readonly LooseQuote[] = [];
  let parsed = parsePadded(text, kept);
  let charactersAgain = 0;
  for (let round = 0; round < MAX_ROUNDS && charactersAgain < maxCharactersAgain(text); round++) {
    const found = findLooseQuotes(text, parsed);
    if (found.length === 0) break;
    const all = [...kept, ...found];
    parsed = parsePadded(text, all);
    charactersAgain += text.length;
    const confirmed = kept.length + Math.max(countConfirmed(found, parsed), 1);
    kept = all.slice(0, confirmed);
    if (kept.length === all.length) continue;
    parsed = parsePadded(text, kept);
    charactersAgain += text.length;
  }
  return parsed;
}

/** Parses the text with a padding before each line of the quotes that is indented too little. */
function parsePadded(text: string, quotes: readonly LooseQuote[]): LooselyParsed {
  const lines = quotes.flatMap((quote) => quote.lines).toSorted((a, b) => a - b);
  const pieces = lines.map((line, index) => text.slice(lines[index - 1] ?? 0, line) + PADDING);
  const document = parseOne(pieces.join("") + text.slice(lines.at(-1) ?? 0));
  return { document, offsetOf: (position) => position - PADDING.length * countPaddings(lines, position) };
}

/** Returns how many paddings begin before a position of the padded text. */
function countPaddings(lines: readonly number[], position: number): number {
  let [low, high] = [0, lines.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((lines[middle] ?? 0) + middle * PADDING.length < position) low = middle + 1;
    else high = middle;
  }
  return low;
}

function parseOne(text: string): Document.Parsed | undefined {
  const options = { schema: "failsafe", merge: false, strict: false, uniqueKeys: false } as const;
  const documents = parseAllDocuments(text, { ...options, keepSourceTokens: true, logLevel: "silent" });
  return "empty" in documents ? undefined : documents[0];
}

/**
 * Returns the quoted texts that the parser ended too early, up to the first that has no end. After the first one the
 * parser may have read an end as a beginning, so each later one has to be confirmed.
 */
function findLooseQuotes(text: string, { document, offsetOf }: LooselyParsed): readonly LooseQuote[] {
  const errors = document?.errors.filter(isMissingQuote) ?? [];
  if (!document || errors.length === 0) return [];
  const startByEnd = new Map(quotedRanges(document).map(([start, end]) => [end, start]));
  const found: LooseQuote[] = [];
  for (const { pos } of errors) {
    const ended = [2, 1, 0, -1, -2].map((distance) => pos[0] + distance).find((end) => startByEnd.has(end));
    if (ended === undefined) break;
    const start = offsetOf(startByEnd.get(ended) ?? 0);
    if (start < (found.at(-1)?.end ?? 0)) continue;
    const quote = readLooseQuote(text, start, offsetOf(ended));
    if (quote === undefined) break;
    found.push(quote);
  }
  return found;
}

/** Returns the text that begins at `start`, if it has an end; its lines up to `ended` are indented enough. */
function readLooseQuote(text: string, start: number, ended: number): LooseQuote | undefined {
  const closing = text[start] === '"' ? /"(?:[^"\\]|\\.)*"/sy : /'(?:[^']|'')*'/y;
  closing.lastIndex = start;
  const whole = closing.exec(text)?.[0] ?? "";
  const begins = [...whole.matchAll(/\n(?!\r?\n)/g)].map(({ index }) => start + index + 1);
  const lines = begins.filter((line) => line >= ended);
  return lines.length === 0 ? undefined : { start, end: start + whole.length, lines };
}

/** Returns how many of the texts, from the first one on, the parser now reads from their beginning to their end. */
function countConfirmed(quotes: readonly LooseQuote[], { document, offsetOf }: LooselyParsed): number {
  const ranges = document ? quotedRanges(document) : [];
  const endByStart = new Map(ranges.map(([start, end]) => [offsetOf(start), offsetOf(end)]));
  const unconfirmed = quotes.findIndex(({ start, end }) => endByStart.get(start) !== end);
  return unconfirmed === -1 ? quotes.length : unconfirmed;
}

/** Beginning and end of each quoted text, in the positions of the parser. */
function quotedRanges(document: Document.Parsed): readonly (readonly [number, number])[] {
  const ranges: (readonly [number, number])[] = [];
  visit(document, {
    Scalar(_key, { type, range }) {
      const isQuoted = type === Scalar.QUOTE_DOUBLE || type === Scalar.QUOTE_SINGLE;
      if (isQuoted && range) ranges.push([range[0], range[1]]);
    },
  });
  return ranges;
}

function isMissingQuote({ code, message }: YAMLError): boolean {
  return code === "MISSING_CHAR" && message.includes("quote");
}
