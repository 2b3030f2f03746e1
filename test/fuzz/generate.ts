// Generators of hostile inputs: mutations of a corpus (bytes and texts by position, JSON values by path), and grammars
// of DER, expressions and HTTP. They use fast-check, so that a seed repeats a run and a failure shrinks.
import * as fc from "fast-check";

/** Texts on which parsers have failed before: prototypes, controls, paths, sizes, numbers, markup. */
export const HOSTILE_TEXTS: readonly string[] = [
  ...["", " ", "\u0000", "\n", "\r\n", "\u001b[31m", "\u202e", "\ud800", "é", "💥", "\ufeff", "%00", "%2e%2e"],
  ...["__proto__", "constructor", "toString", "hasOwnProperty", "..", "../..", "/", "//", ".", "-", "*", "?", "#"],
  ...["0", "-1", "1e308", "NaN", "9007199254740993", "18446744073709551616", "0x10", "١", "1e-7", "00"],
  ...["true", "null", "[]", "{}", '"', "'", "`", "$(id)", "${x}", "{{x}}", "<a>", ";", "|", "&", "a=b", ",", ",,"],
  ...["arn:aws:iam::123456789012:role/x", "arn:aws:iam::123456789012:role/", "ARN:aws", "arn:aws:iam::1:role/x"],
  "x".repeat(300),
  "a/".repeat(300),
];

export const hostileText: fc.Arbitrary<string> = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...HOSTILE_TEXTS) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 40 }) },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom(...HOSTILE_TEXTS), fc.constantFrom(...HOSTILE_TEXTS)).map(([a, b]) => a + b),
  },
);

const operations = fc.array(fc.tuple(fc.nat(7), fc.nat(0xff_ffff), fc.nat(0xffff)), { maxLength: 5 });

/** Bytes of the corpus with up to five changes: bits, bytes, lengths, deletions, repetitions, splices, endings. */
export function mutatedBytes(corpus: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  const inputs = corpus.map((bytes) => Buffer.from(bytes));
  return fc
    .tuple(fc.nat(inputs.length - 1), operations)
    .map(([index, changes]) =>
      changes.reduce<Buffer>(
        (bytes, [kind, at, value]) => mutate(bytes, kind, at, value, inputs),
        inputs[index] as Buffer,
      ),
    );
}

function mutate(bytes: Buffer, kind: number, at: number, value: number, corpus: readonly Buffer[]): Buffer {
  const start = bytes.length === 0 ? 0 : at % bytes.length;
  const end = Math.min(bytes.length, start + 1 + (value % 64));
  switch (kind) {
    case 0:
      return replaced(bytes, start, (bytes[start] ?? 0) ^ (1 << (value & 7)));
    case 1:
      return replaced(bytes, start, value & 0xff);
    case 2:
      return Buffer.concat([bytes.subarray(0, start), Buffer.of(value & 0xff, value >> 8), bytes.subarray(start)]);
    case 3:
      return Buffer.concat([bytes.subarray(0, start), bytes.subarray(end)]);
    case 4:
      return Buffer.concat([bytes.subarray(0, end), bytes.subarray(start, end), bytes.subarray(end)]);
    case 5:
      return bytes.subarray(0, start);
    case 6: {
      const other = corpus[value % corpus.length] ?? bytes;
      return Buffer.concat([bytes.subarray(0, start), other.subarray(at % (other.length + 1))]);
    }
    default:
      return Buffer.concat([
        bytes.subarray(0, start),
        Buffer.from(HOSTILE_TEXTS[value % HOSTILE_TEXTS.length] ?? ""),
        bytes.subarray(end),
      ]);
  }
}

function replaced(bytes: Buffer, at: number, value: number): Buffer {
  const copy = Buffer.from(bytes);
  if (at < copy.length) copy[at] = value;
  return copy;
}

/** Texts of the corpus with up to five changes. */
export function mutatedText(corpus: readonly string[]): fc.Arbitrary<string> {
  return fc.oneof(
    {
      weight: 8,
      arbitrary: mutatedBytes(corpus.map((text) => Buffer.from(text))).map((bytes) =>
        Buffer.from(bytes).toString("utf8"),
      ),
    },
    { weight: 1, arbitrary: hostileText },
  );
}

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

const HOSTILE_VALUES: readonly Json[] = [
  ...HOSTILE_TEXTS,
  ...[null, true, false, 0, -1, 0.5, 1e308, Number.MAX_SAFE_INTEGER],
  ...[[], {}, [[]], [null], { name: "x" }, { toString: 1 }, ["a", "a"], [{ name: 1 }], { "": "" }],
];

/** JSON values of the corpus with up to four changes: a node replaced, removed, repeated, or under another key. */
export function mutatedJson<Value extends object>(corpus: readonly Value[]): fc.Arbitrary<Value> {
  const changes = fc.array(fc.tuple(fc.nat(4), fc.nat(0xffff), fc.nat(0xffff)), { maxLength: 4 });
  return fc.tuple(fc.nat(corpus.length - 1), changes).map(([index, list]) => {
    const value = structuredClone(corpus[index]) as unknown as Json;
    for (const [kind, at, choice] of list) change(value, kind, at, choice);
    return value as unknown as Value;
  });
}

function change(root: Json, kind: number, at: number, choice: number): void {
  const places: (readonly [Record<string, Json>, string])[] = [];
  collect(root, places);
  const [holder, key] = places[at % Math.max(1, places.length)] ?? [];
  if (holder === undefined || key === undefined) return;
  const value = structuredClone(HOSTILE_VALUES[choice % HOSTILE_VALUES.length] ?? null);
  if (kind === 0 || kind === 1) holder[key] = value;
  else if (kind === 2) delete holder[key];
  else if (kind === 3 && Array.isArray(holder)) holder.push(holder[Number(key)] ?? value);
  else if (kind === 3) define(holder, HOSTILE_TEXTS[choice % HOSTILE_TEXTS.length] ?? "", value);
  else if (typeof holder[key] === "string")
    holder[key] = `${holder[key]}${HOSTILE_TEXTS[choice % HOSTILE_TEXTS.length]}`;
}

/** JSON.parse() makes "__proto__" an own property; an assignment would not. */
function define(holder: Record<string, Json>, key: string, value: Json): void {
  Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true });
}

function collect(value: Json, places: (readonly [Record<string, Json>, string])[]): void {
  if (typeof value !== "object" || value === null) return;
  for (const key of Object.keys(value)) {
    const holder = value as Record<string, Json>;
    places.push([holder, key]);
    collect(holder[key] ?? null, places);
  }
}

interface DerNode {
  readonly tag: number;
  readonly content: Uint8Array | readonly DerNode[];
  /** Added to the length that is written. */
  readonly lie: number;
  /** Writes the length in the long form with this many octets. */
  readonly octets: number;
}

const { node } = fc.letrec<{ node: DerNode }>((tie) => ({
  node: fc.record({
    tag: fc.constantFrom(
      0x30,
      0x31,
      0x02,
      0x03,
      0x04,
      0x05,
      0x06,
      0x0c,
      0x13,
      0x17,
      0xa0,
      0xa3,
      0x86,
      0x1f,
      0x00,
      0xff,
    ),
    content: fc.oneof(
      { depthSize: "small", withCrossShrink: true },
      fc.uint8Array({ maxLength: 24 }),
      fc.array(tie("node"), { maxLength: 4 }),
    ) as fc.Arbitrary<DerNode["content"]>,
    lie: fc.constantFrom(0, 0, 0, 0, 1, -1, 1000),
    octets: fc.constantFrom(0, 0, 0, 0, 1, 2, 4, 8),
  }),
}));

/** DER of any shape: real tags, nested, with wrong and non-minimal lengths. */
export const anyDer: fc.Arbitrary<Uint8Array> = node.map(derOf);

function derOf({ tag, content, lie, octets }: DerNode): Buffer {
  const bytes = content instanceof Uint8Array ? Buffer.from(content) : Buffer.concat(content.map(derOf));
  const length = Math.max(0, bytes.length + lie);
  const long = Buffer.alloc(octets);
  for (let index = octets - 1, rest = length; index >= 0; index--, rest = Math.floor(rest / 256))
    long[index] = rest % 256;
  const prefix =
    octets > 0 ? [0x80 | octets, ...long] : length < 128 ? [length] : [0x82, (length >> 8) & 0xff, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...prefix), bytes]);
}

/** An expression whose meaning RE2 and JavaScript share, over the characters of role ARNs. */
export const sharedExpression: fc.Arbitrary<string> = fc.letrec<{
  alternatives: string;
  sequence: string;
  piece: string;
  atom: string;
}>((tie) => ({
  alternatives: fc.array(tie("sequence"), { minLength: 1, maxLength: 3 }).map((list) => list.join("|")),
  sequence: fc.array(tie("piece"), { minLength: 1, maxLength: 5 }).map((list) => list.join("")),
  piece: fc
    .tuple(tie("atom"), fc.constantFrom("", "", "", "*", "+", "?", "{2}", "{0,3}"))
    .map(([atom, repeat]) => atom + repeat),
  atom: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(
      "arn:aws:iam::123456789012:role/",
      "shop-",
      "bank-",
      "orders",
      "a",
      "b",
      ".",
      "/",
      "[a-z]",
      "[^/]",
      "[0-9-]",
      "\\.",
      "\\w",
      "^",
      "$",
    ),
    tie("alternatives").map((inner) => `(?:${inner})`),
    tie("alternatives").map((inner) => `(${inner})`),
  ),
})).alternatives;

/** Pieces of expressions, valid and invalid: each alone costs little. */
export const EXPRESSION_PIECES: readonly string[] = [
  ...["a", "b", ".", "*", "+", "?", "|", "(", ")", "(?:", "(?i)"],
  ...["(?P<n>", "[ab]", "[^a]", "[", "]", "^", "$", "\\"],
];

/** Any text that resembles an expression, valid or not, small or explosive. */
export const anyExpression: fc.Arbitrary<string> = fc.oneof(
  sharedExpression,
  fc.string({
    unit: fc.constantFrom(
      ...EXPRESSION_PIECES,
      ...[
        "{2}",
        "{1000}",
        "{0,1000}",
        "{",
        "\\Q",
        "\\E",
        "\\pN",
        "\\p{Greek}",
        "\\x{10FFFF}",
        "\\b",
        "\\z",
        "\\1",
        "(?=a)",
      ],
    ),
    maxLength: 20,
  }),
  fc
    .tuple(
      fc.constantFrom("(a*)*", "(a|a)*", "(.*)*", "((a{1,30}){1,30}){1,30}", "(?:a?){100}", ".*.*.*.*x"),
      fc.nat(40),
    )
    .map(([piece, count]) => piece.repeat(count)),
);
