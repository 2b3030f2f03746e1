// Quoted texts whose lines are indented too little, which go-yaml accepts: the result is the same as if one such text
// after the other were corrected, with a parse of the whole document for each.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { type Document, parseAllDocuments, Scalar, visit } from "yaml";
import { type LooselyParsed, parseLoosely } from "../../../src/operations/manifests/loose-quotes.ts";
import { parseDocument } from "../../../src/operations/manifests/source-tree.ts";
import { fc } from "../../property.ts";

const PADDING = " ".repeat(80);

/** The oracle: corrects the first such text and parses again, until there is none. */
function parseOneByOne(text: string): LooselyParsed {
  let padded = text;
  const paddings: { at: number }[] = [];
  const parse = () => {
    const options = { schema: "failsafe", merge: false, strict: false, uniqueKeys: false } as const;
    const documents = parseAllDocuments(padded, { ...options, keepSourceTokens: true, logLevel: "silent" });
    return "empty" in documents ? undefined : documents[0];
  };
  let document = parse();
  for (let round = 0; round < 100; round++) {
    const lines = firstLooseLines(padded, document);
    if (lines.length === 0) break;
    for (const at of lines.toReversed()) {
      padded = padded.slice(0, at) + PADDING + padded.slice(at);
      for (const other of paddings) if (other.at > at) other.at += PADDING.length;
      paddings.push({ at });
    }
    document = parse();
  }
  const offsetOf = (position: number) => position - PADDING.length * paddings.filter(({ at }) => at < position).length;
  return { document, offsetOf };
}

function firstLooseLines(text: string, document: Document.Parsed | undefined): readonly number[] {
  const error = document?.errors.find(({ code, message }) => code === "MISSING_CHAR" && message.includes("quote"));
  if (!document || !error) return [];
  let range: readonly [number, number] | undefined;
  visit(document, {
    Scalar(_key, node) {
      const isQuoted = node.type === Scalar.QUOTE_DOUBLE || node.type === Scalar.QUOTE_SINGLE;
      const [start, end] = node.range ?? [0, 0];
      if (isQuoted && Math.abs(end - error.pos[0]) <= 2) range = [start, end];
    },
  });
  if (!range) return [];
  const [start, end] = range;
  const closing = text[start] === '"' ? /^"(?:[^"\\]|\\.)*"/s : /^'(?:[^']|'')*'/;
  const [whole = ""] = closing.exec(text.slice(start)) ?? [];
  return [...whole.matchAll(/\n(?!\r?\n)/g)].map(({ index }) => start + index + 1).filter((at) => at >= end);
}

/** What a reader sees: whether there are errors, and if not, each value with its position in the given text. */
function outcome({ document, offsetOf }: LooselyParsed): unknown {
  if (document === undefined) return "nothing";
  if (document.errors.length > 0) return "errors";
  const values: unknown[] = [];
  visit(document, {
    Scalar(_key, { value, type, range }) {
      const [start = 0, end = 0] = range ?? [];
      values.push([value, type, offsetOf(start), offsetOf(end)]);
    },
  });
  return [document.toJS(), values];
}

const words = fc.oneof(
  { weight: 40, arbitrary: fc.constantFrom("a", "b c", "it''s", "#", "- x", "k: v", "", "  d", "\\", "{", "]", ",") },
  fc.constant("..."),
);
const quoted = (quote: string, escapes: readonly string[]) =>
  fc
    .array(fc.oneof(words, fc.constantFrom(...escapes)), { minLength: 1, maxLength: 4 })
    .chain((texts) => fc.constantFrom("\n", "\n ", "\n    ", "\r\n", "\n\n").map((separator) => texts.join(separator)))
    .map(
      (text) => quote + (quote === "'" ? text : text.replaceAll("''", "'").replaceAll(/\\(?!["n])/g, "\\\\")) + quote,
    );
const value = fc.oneof(
  { weight: 3, arbitrary: quoted('"', ['\\"', "\\n"]) },
  { weight: 2, arbitrary: quoted("'", ["''"]) },
  fc.constantFrom(
    "plain",
    "it's",
    'a "b',
    "|\n      block \"\n      'x",
    "{ x: 1 }",
    "[1,\n  2]",
    "",
    '"open',
    "'open",
  ),
  fc.tuple(quoted('"', ["a"]), quoted("'", ["a"])).map(([first, second]) => `{ p: ${first}, q: [${second}] }`),
);
/** Mostly documents that can be read: entries of one kind, with a comment or an entry of another kind now and then. */
const document = fc
  .tuple(
    fc.constantFrom("- ", "k: ", "- k: "),
    fc.array(fc.tuple(fc.constantFrom(...Array.from({ length: 12 }, () => ""), "# ", "  ", "- "), value), {
      minLength: 1,
      maxLength: 8,
    }),
  )
  .map(([prefix, entries]) => {
    const lines = entries.map(([before, text], index) => `  ${before}${prefix.replace("k", `k${index}`)}${text}\n`);
    return `m:\n${lines.join("")}`;
  });

suite("parseLoosely()", () => {
  test("reads every document as if each text had been corrected alone", () => {
    fc.assert(
      fc.property(document, (text) => {
        assert.deepEqual(outcome(parseLoosely(text)), outcome(parseOneByOne(text)));
      }),
      { numRuns: 200 },
    );
  });

  test("reads more such texts than it makes parses", () => {
    const texts = Array.from({ length: 150 }, (_, index) => `  k${index}: "a\nb"\n  l${index}: 'c\n d'\n`);
    const read = parseDocument(`m:\n${texts.join("")}  last: "x"\n`);
    assert.ok(read.ok, read.ok ? "" : read.problem);
    const numbers = Array.from({ length: 150 }, (_, index) => index);
    const pairs = numbers.flatMap((index) => [[`k${index}`, "a b"] as const, [`l${index}`, "c d"] as const]);
    assert.deepEqual(read.value?.value, { m: { ...Object.fromEntries(pairs), last: "x" } });
  });
});
